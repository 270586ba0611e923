"""What one check found."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Level(str, Enum):
    """How good it is."""

    OK = "ok"
    WARNING = "warning"
    """Works, but will cost frames or time somewhere."""
    MISSING = "missing"
    """Not here; only what needs it is affected."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One line of the doctor's report.

    Args:
        subject: What was looked at.
        level: How good it is.
        detail: What was found: version, size, setting.
        remedy: What to do, where there is something to do.
        needed_for: Uses that do not work while this is missing: ros, onnxruntime, tensorrt.
    """

    subject: str
    level: Level
    detail: str
    remedy: str = ""
    needed_for: tuple[str, ...] = ()
