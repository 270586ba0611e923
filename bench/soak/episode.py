"""One fault that was played."""

from __future__ import annotations

from dataclasses import dataclass

from bench.soak.fault import Fault, Times


@dataclass(frozen=True, kw_only=True)
class Episode:
    """When, where, and whether it was seen and over in time.

    Args:
        fault: Its name.
        camera: Where.
        at_s: When, from the start of the camera.
        times: What was measured.
        was_seen: Whether it was seen within its time.
        is_over: Whether results came again within their time.
    """

    fault: str
    camera: str
    at_s: float
    times: Times
    was_seen: bool
    is_over: bool

    @classmethod
    def of(cls, fault: Fault, camera: str, at_s: float, times: Times) -> Episode:
        """Judge what was measured."""
        return cls(
            fault=fault.name,
            camera=camera,
            at_s=at_s,
            times=times,
            was_seen=_within(times.seen_s, fault.seen_within_s),
            is_over=_within(times.over_s, fault.over_within_s),
        )


def _within(seconds: float | None, limit_s: float | None) -> bool:
    return limit_s is None or (seconds is not None and seconds <= limit_s)
