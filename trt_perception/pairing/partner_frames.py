"""The frames of one source that may still be needed."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Generic

from trt_perception.pairing.paired_set import T


@dataclass(eq=False)
class PartnerFrame(Generic[T]):
    """One frame of another source than the first.

    Args:
        frame: The frame.
        came_ns: When it came.
        gap_ns: Its stamp minus that of the frame before; None where it is the first, or time went back.
        is_used: Whether a set has it.
    """

    frame: T
    came_ns: int
    gap_ns: int | None
    is_used: bool = False

    @property
    def stamp_ns(self) -> int:
        """When it was taken."""
        return self.frame.stamp_ns


class PartnerFrames(Generic[T]):
    """Kept in the order in which they came."""

    def __init__(self) -> None:
        self.last_ns: int | None = None
        """Stamp of the last frame that came, kept or not."""
        self.is_ended = False
        self._kept: deque[PartnerFrame[T]] = deque()

    def __len__(self) -> int:
        return len(self._kept)

    def __iter__(self) -> Iterator[PartnerFrame[T]]:
        return iter(self._kept)

    def add(self, frame: T, came_ns: int) -> None:
        """The next frame."""
        stamp_ns = frame.stamp_ns
        gap_ns = None if self.last_ns is None or stamp_ns <= self.last_ns else stamp_ns - self.last_ns
        self.last_ns = stamp_ns
        self._kept.append(PartnerFrame(frame, came_ns, gap_ns))

    def remove(self, partner: PartnerFrame[T]) -> None:
        """It is needed no more."""
        self._kept.remove(partner)

    def nearest(self, stamp_ns: int, *, tolerance_ns: int) -> PartnerFrame[T] | None:
        """The frame nearest to a stamp, if one is near enough; of two as near, the earlier."""
        best = min(self._kept, key=lambda each: (abs(each.stamp_ns - stamp_ns), each.stamp_ns), default=None)
        return None if best is None or abs(best.stamp_ns - stamp_ns) > tolerance_ns else best

    def newest_before(self, stamp_ns: int, *, most_ns: int) -> PartnerFrame[T] | None:
        """The newest frame earlier than a stamp, if it is not older than that."""
        earlier = [each for each in self._kept if 0 < stamp_ns - each.stamp_ns <= most_ns]
        return max(earlier, key=lambda each: each.stamp_ns, default=None)

    def is_settled(self, stamp_ns: int, best: PartnerFrame[T] | None, *, tolerance_ns: int, is_live: bool) -> bool:
        """Whether no frame is to be waited for that would be nearer to a stamp than `best`, or would be near at all.

        Stamps rise, so a frame at or after `stamp_ns` has none nearer behind it. Live, a frame before it is taken at
        once as well where the next one, a gap later, would be farther: waiting a whole period would gain nothing.
        """
        if self.is_ended:
            return True
        if best is None:
            return self.last_ns is not None and self.last_ns > stamp_ns + tolerance_ns
        off_ns = stamp_ns - best.stamp_ns
        if self.last_ns is not None and self.last_ns >= stamp_ns + abs(off_ns):
            return True
        return off_ns <= 0 or (is_live and (best.gap_ns is None or 2 * off_ns <= best.gap_ns))
