"""Judges the stamps of one camera's images: order, repetition, and whether their age means anything."""

from __future__ import annotations

from dataclasses import dataclass

from trt_perception.errors import DropReason
from trt_perception.ros.stamp_fault import StampFault

RESUME_NS = 500_000_000
"""Stamps that are still behind this long after the last good one are a new time, not late frames."""
FORGIVE_NS = 1_000_000_000
"""After the node's clock went back, stamps may go back at once within this time."""
JUMP_NS = 1_000_000_000
"""Stamps that outrun the steady clock by more than this have jumped."""
CLOCK_JUMP_NS = 500_000_000
"""Difference between node's clock and steady clock, from one frame to the next, that is a jump of the former."""
MAX_AGE_NS = 60_000_000_000
"""Beyond this an age is a difference between clocks."""
SIM_TOLERANCE_NS = 100_000_000
"""/clock comes in steps (25 ms from ros2 bag play): stamps that much ahead of simulated time are no fault."""


@dataclass(frozen=True, kw_only=True)
class StampVerdict:
    """What a stamp means for its frame.

    Args:
        drop: Why the frame is not to be used; None where it is.
        faults: What to name.
        age_is_known: Whether now minus stamp is an age.
    """

    drop: DropReason | None = None
    faults: tuple[StampFault, ...] = ()
    age_is_known: bool = True


_GOOD = StampVerdict()


class StampMonitor:
    """Sees every stamp of one camera in the order of arrival. Not thread-safe.

    Args:
        sim_time: Whether the node's clock is /clock: it stands still, runs at any rate and comes in steps.
    """

    def __init__(self, *, sim_time: bool = False) -> None:
        self._sim_time = sim_time
        self._last_ns: int | None = None  # stamp of the last frame in order
        self._last_plausible_ns: int | None = None  # ... of the last one that was not ahead of the node's clock
        self._last_steady_ns = 0
        self._clock: tuple[int, int] | None = None  # node's and steady clock at the last message
        self._forgive_until_ns = 0

    def judge(self, stamp_ns: int, *, now_ns: int, steady_ns: int) -> StampVerdict:
        """Judge the next stamp.

        Args:
            stamp_ns: The image's stamp.
            now_ns: The node's clock at its arrival.
            steady_ns: The steady clock at its arrival.
        """
        faults = self._check_clock(now_ns, steady_ns)
        if stamp_ns == 0:
            return StampVerdict(faults=(*faults, StampFault.ZERO_STAMP), age_is_known=False)
        age_fault, age_is_known = self._check_age(stamp_ns, now_ns)
        if stamp_ns == self._last_ns:
            return StampVerdict(drop=DropReason.DUPLICATE, faults=faults, age_is_known=False)
        is_future = age_fault is StampFault.FUTURE_STAMP
        order_fault = self._check_order(stamp_ns, now_ns, steady_ns, is_future=is_future)
        if order_fault is DropReason.LATE:
            return StampVerdict(drop=DropReason.LATE, faults=faults, age_is_known=False)
        self._last_ns = stamp_ns
        self._last_steady_ns = steady_ns
        if not is_future:
            self._last_plausible_ns = stamp_ns
        named = tuple(fault for fault in (order_fault, age_fault) if isinstance(fault, StampFault))
        if not faults and not named and age_is_known:
            return _GOOD
        return StampVerdict(faults=(*faults, *named), age_is_known=age_is_known)

    def _check_clock(self, now_ns: int, steady_ns: int) -> tuple[StampFault, ...]:
        """The node's clock against the steady one, since the last message."""
        last, self._clock = self._clock, (now_ns, steady_ns)
        if last is None or last[0] == 0 or now_ns == 0:
            return ()
        ahead_ns = (now_ns - last[0]) - (steady_ns - last[1])
        went_back = now_ns < last[0]
        if not went_back and (self._sim_time or abs(ahead_ns) <= CLOCK_JUMP_NS):
            return ()
        if went_back:
            self._forgive_until_ns = steady_ns + FORGIVE_NS
        return (StampFault.CLOCK_JUMP,)

    def _check_age(self, stamp_ns: int, now_ns: int) -> tuple[StampFault | None, bool]:
        """What is wrong with now minus stamp, and whether it is an age."""
        if now_ns == 0:
            return StampFault.NO_CLOCK, False
        age_ns = now_ns - stamp_ns
        if age_ns < 0:
            tolerance_ns = SIM_TOLERANCE_NS if self._sim_time else 0
            return (StampFault.FUTURE_STAMP if age_ns < -tolerance_ns else None), False
        if age_ns > MAX_AGE_NS:
            return StampFault.OLD_STAMP, False
        return None, True

    def _check_order(
        self, stamp_ns: int, now_ns: int, steady_ns: int, *, is_future: bool
    ) -> DropReason | StampFault | None:
        """The stamp against the one before it."""
        if self._last_ns is None:
            return None
        if stamp_ns > self._last_ns:
            ahead_ns = (stamp_ns - self._last_ns) - (steady_ns - self._last_steady_ns)
            return StampFault.STAMP_JUMP if ahead_ns > JUMP_NS else None
        # One frame with a stamp far ahead must not make every good frame after it a late one.
        if not is_future and self._last_ns > now_ns + JUMP_NS and stamp_ns > (self._last_plausible_ns or 0):
            return None
        if steady_ns < self._forgive_until_ns:
            self._forgive_until_ns = 0
            return StampFault.TIME_RESET
        if steady_ns - self._last_steady_ns >= RESUME_NS:
            return StampFault.TIME_RESET
        return DropReason.LATE
