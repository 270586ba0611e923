"""Records sorted by stamp as far as a window reaches, in memory of that window."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from typing import TypeVar

from trt_perception.validate.frame_record import FrameRecord

WINDOW_NS = 2_000_000_000
MOST_WAITING = 4096
"""Only stamps that run backwards bring so many together."""

Item = TypeVar("Item")


def merged_by_stamp(items: Iterable[tuple[FrameRecord, Item]]) -> Iterator[tuple[FrameRecord, Item]]:
    """The same items; of equal stamps, in order of camera and log time.

    The item with the oldest stamp waits until the log time is `WINDOW_NS` past its own. One whose stamp is older than
    what has come out by then comes out of order, always in the same place. A record without a stamp stands where its
    log time is.

    Args:
        items: Records in order of log time, each with something that stays with it.
    """
    waiting: list[tuple[int, str, int, int, FrameRecord, Item]] = []
    offset_ns = 0
    for number, (record, item) in enumerate(items):
        while waiting and (waiting[0][2] <= record.log_time_ns - WINDOW_NS or len(waiting) > MOST_WAITING):
            yield heapq.heappop(waiting)[4:]
        if record.stamp_ns is not None:
            offset_ns = record.log_time_ns - record.stamp_ns
        stamp_ns = record.log_time_ns - offset_ns if record.stamp_ns is None else record.stamp_ns
        heapq.heappush(waiting, (stamp_ns, record.camera, record.log_time_ns, number, record, item))
    while waiting:
        yield heapq.heappop(waiting)[4:]
