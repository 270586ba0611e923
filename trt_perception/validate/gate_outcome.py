"""What became of one gate."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class GateStatus(str, Enum):
    """What a gate says."""

    HELD = "held"
    FAILED = "failed"
    NOT_APPLICABLE = "not_applicable"


@dataclass(frozen=True, kw_only=True)
class GateOutcome:
    """One gate on one subject.

    Args:
        gate: Its key in the YAML, e.g. ``absolute.min_map50``.
        subject: What it looked at, e.g. ``detection`` or ``detection, class car``; empty: the whole run.
        status: What it says.
        limit: Its limit, in its own unit.
        value: What was found, in the same unit; None where there is no figure.
        low: Lower end of the value's interval; None without one.
        high: Upper end.
        reason: In words.
    """

    gate: str
    subject: str
    status: GateStatus
    limit: float
    value: float | None
    low: float | None = None
    high: float | None = None
    reason: str

    def __str__(self) -> str:
        where = f" ({self.subject})" if self.subject else ""
        return f"{self.gate}{where}: {self.reason}"
