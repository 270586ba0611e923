"""Which frames of several cameras belong together."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum

from trt_perception.options.option import option

FASTEST_HZ = 60.0
"""Cameras up to this rate keep all frames of one deadline; of faster ones the oldest are given up early."""


class IncompleteSet(str, Enum):
    """What becomes of a first source's frame whose partner has not come in time."""

    DROP = "drop"
    """It is dropped as `unpaired`."""
    LATEST = "latest"
    """The partner's newest earlier frame stands in, where it is not too old."""


@dataclass(frozen=True, kw_only=True)
class PairingOptions:
    """When frames of several cameras are one set, and how long the first one waits for the others."""

    tolerance_ms: float = option(
        5.0, description="Most that a stamp may differ from the first camera's.", minimum=0.0, maximum=10_000.0
    )
    deadline_ms: float = option(
        50.0, description="How long a frame waits for its partners, from its arrival.", minimum=1.0, maximum=10_000.0
    )
    incomplete: IncompleteSet = option(
        IncompleteSet.DROP,
        description="Without a partner by then: `drop` the frame as `unpaired`, or take the partner's `latest` earlier "
        "frame, at most the larger of tolerance and deadline old.",
    )

    @property
    def tolerance_ns(self) -> int:
        """As stamps count."""
        return round(self.tolerance_ms * 1e6)

    @property
    def deadline_ns(self) -> int:
        """As clocks count."""
        return round(self.deadline_ms * 1e6)

    @property
    def stand_in_ns(self) -> int:
        """How old a frame may be that stands in."""
        return max(self.tolerance_ns, self.deadline_ns)

    @property
    def most_waiting(self) -> int:
        """Frames of one live camera that are kept while they wait: those of a deadline, and one."""
        return 1 + math.ceil(self.deadline_ms * FASTEST_HZ / 1000)
