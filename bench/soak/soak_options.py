"""What one soak does."""

from __future__ import annotations

from dataclasses import dataclass

CAMERAS = ("front", "front_left", "front_right", "back", "back_left", "back_right")


@dataclass(frozen=True, kw_only=True)
class SoakOptions:
    """The defaults are for a machine that does nothing else.

    Args:
        seconds: How long faults are put in.
        hz: Messages a second of each camera.
        width: Width of the usual image, px.
        height: Height of the usual image, px.
        seed: Decides which faults come when. Every camera has an order of its own, so that faults of different cameras
            meet in all ways.
        longest_gap_s: Longest time without a fault of one camera.
        slow_faults: Whether faults that take longer than ten seconds are among them.
        sample_s: Time between two looks at the node's memory.
    """

    seconds: float = 3600.0
    hz: float = 10.0
    width: int = 640
    height: int = 480
    seed: int = 1
    longest_gap_s: float = 6.0
    slow_faults: bool = True
    sample_s: float = 10.0
