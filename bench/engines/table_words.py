"""Words that the tables share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Part = Mapping[str, Any]
Row = dict[str, Any]

TITLES = {"demo": "demo model", "nano": "YOLOX-nano", "size_s": "S", "size_m": "M", "size_l": "L"}
"""Networks as the tables call them."""


def goal(what: str, got: str, held: bool) -> str:
    """One goal with what came of it."""
    return f"{what}: got {got}, {'held' if held else 'MISSED'}"
