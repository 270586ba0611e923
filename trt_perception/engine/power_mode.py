"""The power mode of a Jetson, from the files of its nvpmodel service; elsewhere there is none."""

from __future__ import annotations

import re
from pathlib import Path

STATUS = Path("/var/lib/nvpmodel/status")
"""Where the service keeps the mode, as `pmode:0002`."""
MODES = Path("/etc/nvpmodel.conf")
"""Where the modes are named, as `< POWER_MODEL ID=2 NAME=MODE_30W >`."""

_MAX_CHARACTERS = 2**20


def jetson_power_mode(status: Path = STATUS, modes: Path = MODES) -> str:
    """Name of the mode, or its number where it has no name; empty where there is none."""
    found = re.search(r"pmode:\s*(\d{1,6})", _text(status))
    if found is None:
        return ""
    number = int(found.group(1))
    names = re.findall(r"^\s*<\s*POWER_MODEL\s+ID=(\d{1,6})\s+NAME=([^\s>]+)", _text(modes), flags=re.MULTILINE)
    return next((name for mode, name in names if int(mode) == number), str(number))


def _text(path: Path) -> str:
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            return file.read(_MAX_CHARACTERS)
    except OSError:
        return ""
