"""The frames that a reader should look at first: those with most objects missed and most false alarms."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from trt_perception.detections import Detections
from trt_perception.draw.marked_boxes import BoxMark, MarkedBox
from trt_perception.validate.box_pairs import pair_boxes
from trt_perception.validate.frame_pairs import FramePair
from trt_perception.validate.frame_record import FALSE_ALARM, NOT_FOUND, FrameRecord
from trt_perception.validate.run_header import RunHeader

APART_NS = 1_000_000_000
"""Two frames of a camera within this time look alike: one is enough."""
_SPARE = 8
"""So many times the frames asked for are kept, because neighbours fall out."""


@dataclass(frozen=True, kw_only=True)
class WorstFrame:
    """One frame.

    Args:
        bag: Name of the bag.
        camera: Name of the camera.
        stamp_ns: Stamp of the image; None where it has none.
        log_time_ns: When it was recorded.
        condition: Light and weather; empty where unknown.
        missed: Labels of the objects that were not found; without truth, of those that only the baseline found.
        false_alarms: Labels of the detections where nothing is; without truth, of those that only this run has.
        boxes: What to draw.
    """

    bag: str
    camera: str
    stamp_ns: int | None
    log_time_ns: int
    condition: str
    missed: tuple[str, ...]
    false_alarms: tuple[str, ...]
    boxes: tuple[MarkedBox, ...] = field(default=(), repr=False)

    @property
    def errors(self) -> int:
        """How many objects are wrong in it."""
        return len(self.missed) + len(self.false_alarms)


def against_truth(header: RunHeader, frames: Iterable[FrameRecord]) -> Iterator[WorstFrame]:
    """Every processed frame with truth in which something is wrong."""
    labels = {name: head.labels for name, head in header.heads.items() if head.is_detection}
    for record in frames:
        if record.truth is None or record.skipped is not None:
            continue
        marked: list[tuple[str, MarkedBox]] = []
        for name, match in record.matches.items():
            found = record.detections.get(name, Detections.empty())
            for index, target in enumerate(match.found.tolist()):
                if target >= 0 or target == FALSE_ALARM:
                    mark = BoxMark.FALSE if target == FALSE_ALARM else BoxMark.RIGHT
                    marked.append(_marked(found, index, labels[name], mark))
            for index, target in enumerate(match.objects.tolist()):
                if target == NOT_FOUND and not record.truth.ignored[index]:
                    x1, y1, x2, y2 = record.truth.boxes[index].tolist()
                    label = record.truth.labels[index]
                    marked.append((label, MarkedBox(box=(x1, y1, x2, y2), mark=BoxMark.MISSED, text=label)))
        yield from _frame(record, marked)


def against_baseline(here: RunHeader, baseline: RunHeader, pairs: Iterable[FramePair]) -> Iterator[WorstFrame]:
    """Every frame in which both runs differ."""
    for pair in pairs:
        if pair.here is None or pair.baseline is None or pair.here.skipped is not None:
            continue
        marked: list[tuple[str, MarkedBox]] = []
        for name, head in here.heads.items():
            if not head.is_detection or baseline.heads.get(name) != head:
                continue
            found = _kept(pair.here.detections, name, here.thresholds.score)
            before = _kept(pair.baseline.detections, name, baseline.thresholds.score)
            same = pair_boxes(found, before)
            right = set(same.here[same.same_class].tolist())
            known = set(same.baseline[same.same_class].tolist())
            marked.extend(
                _marked(found, index, head.labels, BoxMark.RIGHT if index in right else BoxMark.FALSE)
                for index in range(len(found))
            )
            marked.extend(
                _marked(before, index, head.labels, BoxMark.MISSED)
                for index in range(len(before))
                if index not in known
            )
        yield from _frame(pair.here, marked)


def worst_frames(frames: Iterable[WorstFrame], count: int) -> tuple[WorstFrame, ...]:
    """The worst first; of neighbours in time of one camera only the worst. The same frames give the same answer."""
    numbered = ((frame.errors, -number, frame) for number, frame in enumerate(frames))
    candidates = heapq.nlargest(count * _SPARE, numbered, key=lambda item: item[:2])
    chosen: list[WorstFrame] = []
    for _, _, frame in candidates:
        near = any(
            (other.bag, other.camera) == (frame.bag, frame.camera)
            and abs(other.log_time_ns - frame.log_time_ns) < APART_NS
            for other in chosen
        )
        if not near and len(chosen) < count:
            chosen.append(frame)
    return tuple(chosen)


def _kept(detections: Mapping[str, Detections], name: str, score: float) -> Detections:
    found = detections.get(name, Detections.empty())
    return found.select(found.scores >= np.float32(score))


def _marked(found: Detections, index: int, labels: tuple[str, ...], mark: BoxMark) -> tuple[str, MarkedBox]:
    """Label and box of a detection; right ones go without a text, which would hide the others."""
    label = labels[int(found.class_ids[index])]
    text = "" if mark is BoxMark.RIGHT else f"{label} {found.scores[index]:.2f}"
    x1, y1, x2, y2 = found.boxes[index].tolist()
    return label, MarkedBox(box=(x1, y1, x2, y2), mark=mark, text=text)


def _frame(record: FrameRecord, marked: list[tuple[str, MarkedBox]]) -> Iterator[WorstFrame]:
    missed, false_alarms = (
        tuple(label for label, box in marked if box.mark is mark) for mark in (BoxMark.MISSED, BoxMark.FALSE)
    )
    if missed or false_alarms:
        yield WorstFrame(
            bag=record.bag,
            camera=record.camera,
            stamp_ns=record.stamp_ns,
            log_time_ns=record.log_time_ns,
            condition=record.condition,
            missed=missed,
            false_alarms=false_alarms,
            boxes=tuple(box for _, box in marked),
        )
