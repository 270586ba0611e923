"""Finds the frames that two runs have in common."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import zip_longest

from trt_perception.validate.frame_record import FrameRecord
from trt_perception.validate.run_header import RunHeader

Key = tuple[str, str, int, bool]


@dataclass(frozen=True, kw_only=True)
class FrameName:
    """One frame of a run.

    Args:
        bag: Name of the bag.
        camera: Name of the camera.
        time_ns: Stamp of the image, nanoseconds; the log time where the image has no stamp.
    """

    bag: str
    camera: str
    time_ns: int

    @staticmethod
    def of(record: FrameRecord) -> FrameName:
        """The name of a record's frame."""
        return FrameName(bag=record.bag, camera=record.camera, time_ns=time_ns(record))


@dataclass(frozen=True, kw_only=True, eq=False)
class FramePair:
    """The same frame in both runs; None where a run does not have it."""

    here: FrameRecord | None
    baseline: FrameRecord | None


def time_ns(record: FrameRecord) -> int:
    """Stamp of a frame, or where it has none, when it was received; nanoseconds."""
    return record.log_time_ns if record.stamp_ns is None else record.stamp_ns


def pair_frames(
    here: Iterable[FrameRecord], baseline: Iterable[FrameRecord], *, by_bag: bool = True
) -> Iterator[FramePair]:
    """Pairs by bag, camera and stamp; frames of the same stamp in the order in which they come.

    Runs of about the same order are paired in flat memory: what waits for its partner is all that is kept.

    Args:
        here: One run.
        baseline: The other.
        by_bag: Whether bags must have the same name.
    """
    waiting: tuple[dict[Key, deque[FrameRecord]], dict[Key, deque[FrameRecord]]] = ({}, {})
    for records in zip_longest(here, baseline):
        for side, record in enumerate(records):
            if record is None:
                continue
            key = (record.bag if by_bag else "", record.camera, time_ns(record), record.stamp_ns is None)
            partner = _take(waiting[1 - side], key)
            if partner is None:
                waiting[side].setdefault(key, deque()).append(record)
            else:
                yield FramePair(here=partner if side else record, baseline=record if side else partner)
    for records_left in waiting[0].values():
        yield from (FramePair(here=record, baseline=None) for record in records_left)
    for records_left in waiting[1].values():
        yield from (FramePair(here=None, baseline=record) for record in records_left)


def results_of(header: RunHeader, frames: Iterable[FrameRecord]) -> Iterable[FrameRecord]:
    """The frames that a result could be of: without those of cameras that stand second in their sets."""
    return (record for record in frames if record.camera not in header.partners) if header.pairing else frames


def _take(waiting: dict[Key, deque[FrameRecord]], key: Key) -> FrameRecord | None:
    records = waiting.get(key)
    if not records:
        return None
    record = records.popleft()
    if not records:
        del waiting[key]
    return record
