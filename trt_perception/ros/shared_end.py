"""The end of a frame that several take: it is told once, when the last is done with it."""

from __future__ import annotations

import itertools
from collections import deque
from dataclasses import dataclass

from trt_perception.errors import DropReason
from trt_perception.ros.camera_journal import CameraJournal
from trt_perception.ros.expected_drops import EXPECTED
from trt_perception.ros.frame_passage import FramePassage


@dataclass(frozen=True)
class _Drop:
    reason: DropReason
    problem: str
    passage: FramePassage


@dataclass(frozen=True)
class _Use:
    now_ns: int
    latency_ns: int
    age_ns: int | None


class SharedEnd:
    """A frame of a camera that is in sets. Each taker calls `drop` or `processed` once, in any thread, without waiting.

    The frame counts as processed where one of them had a result, and otherwise as dropped: for the first reason told
    that is a fault, or else the first. What went wrong with the others is told as well, or nobody would know why a
    pipeline gives nothing while another one does.

    Args:
        journal: The camera's.
        stamp_ns: The frame's stamp.
        takers: How many take it: the camera's own worker, and each set.
    """

    def __init__(self, journal: CameraJournal, stamp_ns: int, *, takers: int) -> None:
        self._journal = journal
        self._stamp_ns = stamp_ns
        self._takers = takers
        self._count = itertools.count(1)  # counting and adding are one step each, so that no lock is needed
        self._ends: deque[_Drop | _Use] = deque()

    def drop(self, reason: DropReason, problem: str, passage: FramePassage) -> None:
        """One taker has no result."""
        self._add(_Drop(reason, problem, passage))

    def processed(self, now_ns: int, *, latency_ns: int, age_ns: int | None) -> None:
        """One taker has published its results."""
        self._add(_Use(now_ns, latency_ns, age_ns))

    def _add(self, end: _Drop | _Use) -> None:
        self._ends.append(end)
        if next(self._count) == self._takers:
            self._tell()

    def _tell(self) -> None:
        uses = [end for end in self._ends if isinstance(end, _Use)]
        drops = [end for end in self._ends if isinstance(end, _Drop)]
        counted: _Drop | None = None
        if uses:
            last = max(uses, key=lambda use: use.now_ns)
            self._journal.counters.add_processed(last.now_ns, latency_ns=last.latency_ns, age_ns=last.age_ns)
        else:
            counted = next((each for each in drops if each.reason not in EXPECTED), drops[0])
            self._journal.drop(counted.reason, self._stamp_ns, counted.problem, passage=counted.passage)
        for drop in drops:
            if drop is not counted and drop.problem:
                self._journal.fault(drop.reason.value, f"no result of a pipeline, {drop.problem}")
