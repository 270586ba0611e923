"""The argument with which a verb asks for the signature of the engines that it loads."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_key_argument(parser: argparse.ArgumentParser) -> None:
    """Declare ``--public-key``."""
    parser.add_argument(
        "--public-key",
        type=Path,
        metavar="FILE",
        help="load only engines that this ed25519 key (PEM) signed, as `public_key` in a config does (default: any)",
    )
