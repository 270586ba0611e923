"""builtin_interfaces/msg/Time as one int of nanoseconds, without loss in either direction."""

from __future__ import annotations

from trt_perception.errors import DropReason, FrameError

NANOSECONDS = 1_000_000_000


def join_stamp(sec: int, nanosec: int) -> int:
    """Nanoseconds of a Time message; negative seconds count back from zero, the nanoseconds always forward.

    Raises:
        FrameError: malformed, where `nanosec` is a whole second or more.
    """
    if nanosec >= NANOSECONDS:
        raise FrameError(DropReason.MALFORMED, f"nanosec of the stamp is {nanosec}, expected less than {NANOSECONDS}")
    return sec * NANOSECONDS + nanosec


def split_stamp(stamp_ns: int) -> tuple[int, int]:
    """Seconds (int32) and nanoseconds (uint32, below 1e9) of a Time message: the inverse of `join_stamp`.

    Raises:
        ValueError: The seconds do not fit an int32 (years 1901 to 2038).
    """
    sec, nanosec = divmod(stamp_ns, NANOSECONDS)
    if not -(2**31) <= sec < 2**31:
        raise ValueError(f"stamp_ns {stamp_ns} is {sec} s, a Time message holds int32 seconds; give nanoseconds")
    return sec, nanosec
