"""Where the files beside the code are: config and launch files."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from trt_perception.errors import MissingError

PACKAGE = "trt_perception"


def share_file(name: str) -> Path:
    """The path of a file such as ``config/fastdds_large_segment.xml``, in a checkout or an installation.

    Raises:
        MissingError: Neither the checkout, nor the Python prefix, nor a prefix of AMENT_PREFIX_PATH has it.
    """
    prefixes = [prefix for prefix in os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep) if prefix]
    places = [Path(__file__).resolve().parent.parent, *_shares([*prefixes, sys.prefix])]
    for place in places:
        if (place / name).is_file():
            return place / name
    raise MissingError(
        f"{name} is not installed (looked in {', '.join(map(str, places))})",
        "install the package anew with pip or colcon",
    )


def _shares(prefixes: list[str]) -> list[Path]:
    return [Path(prefix) / "share" / PACKAGE for prefix in prefixes]
