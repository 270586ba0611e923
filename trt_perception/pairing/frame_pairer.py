"""Finds the frames of several sources that belong together."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Generic

from trt_perception.pairing.paired_set import Outcome, PairedSet, T, UnpairedFrame
from trt_perception.pairing.pairing_options import IncompleteSet, PairingOptions
from trt_perception.pairing.partner_frames import PartnerFrame, PartnerFrames


@dataclass(frozen=True)
class _Waiting(Generic[T]):
    frame: T
    came_ns: int


class FramePairer(Generic[T]):
    """Takes the frames of all sources as they come, and gives every one back exactly once, in a set or unpaired.

    Sets come in the order of the first source's frames. What is decided depends on the stamps alone, whichever source
    comes first, but for frames that come after a deadline or when `most_waiting` are kept already. Not thread-safe.

    Args:
        sources: Number of sources, at least one.
        options: When frames belong together.
        is_live: Whether `now_ns` is a clock: frames wait for a deadline. Otherwise a frame waits until every other
            source has moved past it or ended, and the nearest frame of all is found.
        most_waiting: Frames of one source that are kept; beyond that the oldest is given up. None: what the options say
            for live cameras, 64 otherwise.
    """

    def __init__(
        self, sources: int, options: PairingOptions, *, is_live: bool, most_waiting: int | None = None
    ) -> None:
        self._options = options
        self._is_live = is_live
        self._most = most_waiting or (options.most_waiting if is_live else 64)
        self._waiting: deque[_Waiting[T]] = deque()
        self._partners = [PartnerFrames[T]() for _ in range(sources - 1)]
        self._reached_ns: int | None = None  # stamp of the first source's last frame that was decided
        self._is_ended = False

    @property
    def next_deadline_ns(self) -> int | None:
        """When `expire` has something to do for a frame of the first source; None where none waits."""
        return self._waiting[0].came_ns + self._options.deadline_ns if self._waiting else None

    @property
    def kept(self) -> tuple[int, ...]:
        """How many frames of each source are kept."""
        return len(self._waiting), *map(len, self._partners)

    def add(self, source: int, frame: T, now_ns: int = 0) -> list[Outcome[T]]:
        """The next frame of a source; what it decides.

        Args:
            source: Index of the source.
            frame: The frame.
            now_ns: When it came. Live only.
        """
        if source:
            self._partners[source - 1].add(frame, now_ns)
        else:
            self._waiting.append(_Waiting(frame, now_ns))
        return list(self._decide(now_ns))

    def expire(self, now_ns: int) -> list[Outcome[T]]:
        """What the time decides. Live only; to be called now and then, and at `next_deadline_ns`."""
        return list(self._decide(now_ns))

    def end(self, source: int) -> list[Outcome[T]]:
        """A source has no more frames; what that decides. Once all have ended, nothing is kept."""
        if source:
            self._partners[source - 1].is_ended = True
        else:
            self._is_ended = True
        return list(self._decide(0))

    def clear(self) -> list[UnpairedFrame[T]]:
        """Give back all that is kept and was in no set."""
        rest = [UnpairedFrame(0, each.frame) for each in self._waiting]
        self._waiting.clear()
        for index, partner in enumerate(self._partners, 1):
            kept = list(partner)
            rest += [UnpairedFrame(index, each.frame) for each in kept if not each.is_used]
            for each in kept:
                partner.remove(each)
        return rest

    def _decide(self, now_ns: int) -> Iterator[Outcome[T]]:
        while self._waiting:
            head = self._waiting[0]
            is_due = len(self._waiting) > self._most or (
                self._is_live and now_ns - head.came_ns >= self._options.deadline_ns
            )
            found = [self._find(partner, head.frame.stamp_ns) for partner in self._partners]
            settled = [
                self._is_settled(partner, head.frame.stamp_ns, best)
                for partner, best in zip(self._partners, found, strict=True)
            ]
            if not is_due and not all(settled):
                if any(
                    best is None and done and not self._stands_in() for best, done in zip(found, settled, strict=True)
                ):
                    is_due = True  # no set will come of it, whatever the others send
                else:
                    break
            self._waiting.popleft()
            self._reached_ns = head.frame.stamp_ns
            yield self._resolve(head.frame, found)
        yield from self._give_up(now_ns)

    def _find(self, partner: PartnerFrames[T], stamp_ns: int) -> PartnerFrame[T] | None:
        return partner.nearest(stamp_ns, tolerance_ns=self._options.tolerance_ns)

    def _is_settled(self, partner: PartnerFrames[T], stamp_ns: int, best: PartnerFrame[T] | None) -> bool:
        return partner.is_settled(stamp_ns, best, tolerance_ns=self._options.tolerance_ns, is_live=self._is_live)

    def _stands_in(self) -> bool:
        return self._options.incomplete is IncompleteSet.LATEST

    def _resolve(self, frame: T, found: list[PartnerFrame[T] | None]) -> Outcome[T]:
        """The frame's set, or the frame without one."""
        chosen: list[PartnerFrame[T]] = []
        for index, (partner, near) in enumerate(zip(self._partners, found, strict=True), 1):
            best = near
            if best is None and self._stands_in():
                best = partner.newest_before(frame.stamp_ns, most_ns=self._options.stand_in_ns)
            if best is None:
                return UnpairedFrame(0, frame, index, _nearest(partner, frame.stamp_ns))
            chosen.append(best)
        fresh = tuple(not each.is_used for each in chosen)
        for partner, each in zip(self._partners, chosen, strict=True):
            each.is_used = True
            if not self._stands_in():
                partner.remove(each)
        return PairedSet((frame, *(each.frame for each in chosen)), (True, *fresh))

    def _give_up(self, now_ns: int) -> Iterator[Outcome[T]]:
        """Let go of the frames that no set will need."""
        # What comes next of the first source has a later stamp than what was decided last.
        wanted_ns = self._waiting[0].frame.stamp_ns if self._waiting else self._reached_ns
        for index, partner in enumerate(self._partners, 1):
            spare: PartnerFrame[T] | None = None  # may stand in
            if wanted_ns is not None and self._stands_in():
                spare = partner.newest_before(wanted_ns + 1, most_ns=self._options.stand_in_ns + 1)
            for each in [each for each in partner if self._is_useless(each, wanted_ns, each is spare, now_ns)]:
                partner.remove(each)
                if not each.is_used:
                    yield UnpairedFrame(index, each.frame)
            while len(partner) > self._most:
                oldest = next(iter(partner))
                partner.remove(oldest)
                if not oldest.is_used:
                    yield UnpairedFrame(index, oldest.frame)

    def _is_useless(self, each: PartnerFrame[T], wanted_ns: int | None, may_stand_in: bool, now_ns: int) -> bool:
        options = self._options
        if not self._waiting and self._is_ended:
            return True
        if wanted_ns is not None and each.stamp_ns < wanted_ns - options.tolerance_ns and not may_stand_in:
            return True
        if not self._is_live or now_ns - each.came_ns < options.deadline_ns:
            return False
        near = any(abs(each.stamp_ns - waiting.frame.stamp_ns) <= options.tolerance_ns for waiting in self._waiting)
        return not near and not (may_stand_in and self._waiting)


def _nearest(partner: PartnerFrames[T], stamp_ns: int) -> int | None:
    stamps = [each.stamp_ns for each in partner] or ([] if partner.last_ns is None else [partner.last_ns])
    return min((stamp - stamp_ns for stamp in stamps), key=abs, default=None)
