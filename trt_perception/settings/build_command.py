"""How a launch file has the engines of a config built before the node starts."""

from __future__ import annotations

import sys
from pathlib import Path


def build_command(config: Path) -> list[str]:
    """What to run: it ends at once where every engine is current, and fails with one line where one cannot be built.

    Args:
        config: The perception config.
    """
    return [sys.executable, "-m", "trt_perception.cli.main", "build", "--config", str(config.expanduser().absolute())]
