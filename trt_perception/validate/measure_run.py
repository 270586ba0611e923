"""From what was recorded of every frame to the figures of a run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from trt_perception.detections import Detections
from trt_perception.validate.coco_groups import SIZES, CocoGroups
from trt_perception.validate.confusion_matrix import ConfusionMatrix
from trt_perception.validate.frame_ledger import FrameLedger, LedgerMetrics
from trt_perception.validate.frame_record import FALSE_ALARM, NOT_FOUND, FrameRecord
from trt_perception.validate.match_frame import truth_of_head
from trt_perception.validate.run_header import RunHead, RunHeader
from trt_perception.validate.validation_metrics import (
    BagMetrics,
    DetectionGroup,
    DetectionHeadMetrics,
    LabelMetrics,
    MaskGroup,
    MaskHeadMetrics,
    SizeMetrics,
    ValidationMetrics,
)

Group = tuple[str, str]
"""Camera and condition."""


def measure_run(header: RunHeader, frames: Iterable[FrameRecord], *, folder: Path | None = None) -> ValidationMetrics:
    """The figures of a run; the same records in the same order give the same figures, to the bit.

    Args:
        header: What was run.
        frames: Every frame, in order of bag, stamp and camera; read once.
        folder: Where detections wait for the end, in files that vanish. None: the system's for temporary files.

    Raises:
        BagError: The ledger does not close.
        MissingError: pycocotools is not installed, and there is truth for detections.
        OSError: The disk is full.
    """
    with ExitStack() as stack:
        boxes = {
            name: _Boxes(head, header.thresholds.score, folder)
            for name, head in header.heads.items()
            if head.is_detection
        }
        for side in boxes.values():
            stack.callback(side.close)
        return _measure(header, frames, boxes)


def _measure(header: RunHeader, frames: Iterable[FrameRecord], boxes: Mapping[str, _Boxes]) -> ValidationMetrics:
    ledger = FrameLedger(header)
    masks = {name: _Masks(head) for name, head in header.heads.items() if not head.is_detection}
    unknown: Counter[str] = Counter()
    for record in frames:
        ledger.add(record)
        if record.skipped is not None:
            continue
        for name, side in boxes.items():
            side.add(name, record)
        for name, pixels in masks.items():
            pixels.add(name, record)
        if record.truth is not None and boxes:
            known = {label for side in boxes.values() for label in side.labels}
            unknown.update(label for label in record.truth.labels if label not in known)
    closed = ledger.close()
    return ValidationMetrics(
        model=header.model,
        thresholds=header.thresholds,
        truth=header.truth,
        bags=tuple(
            BagMetrics(name=bag.name, start_ns=bag.start_ns, end_ns=bag.end_ns, messages=bag.messages)
            for bag in header.bags
        ),
        ledger=closed,
        detection={name: side.metrics() for name, side in boxes.items()},
        masks={name: pixels.metrics() for name, pixels in masks.items()},
        warnings=tuple(_warnings(header, closed, unknown)),
        pairing=header.pairing,
    )


def _warnings(header: RunHeader, ledger: LedgerMetrics, unknown: Counter[str]) -> Iterator[str]:
    if unknown:
        names = ", ".join(f"{label or '(no class)'} ({count})" for label, count in sorted(unknown.items()))
        yield f"true objects of classes that the model does not have are not evaluated: {names}"
    for bag in header.bags:
        if bag.unread:
            yield f"{bag.name}: {', '.join(bag.unread)} hold video packets, which are not read; convert them to JPEG"
    if header.truth == "none":
        return
    for camera in ledger.cameras:
        if camera.camera in header.partners:  # the truth of a set is that of its first camera
            continue
        where = f"{camera.bag}, camera {camera.camera}"
        if camera.processed > camera.with_truth:
            yield (
                f"{where}: {camera.processed - camera.with_truth} of {camera.processed} processed frames have no "
                "truth and are not evaluated"
            )
        if camera.truth_without_frame:
            yield f"{where}: {camera.truth_without_frame} true images have no frame in the bag"


class _Boxes:
    """One detection head."""

    def __init__(self, head: RunHead, score: float, folder: Path | None) -> None:
        self.labels = head.labels
        self._folder = folder
        self._score = np.float32(score)
        self._evaluation: CocoGroups | None = None
        self._counts: dict[Group, _Counts] = {}

    def add(self, name: str, record: FrameRecord) -> None:
        group = (record.camera, record.condition)
        counts = self._counts.setdefault(group, _Counts(len(self.labels)))
        found = record.detections.get(name, Detections.empty())
        counts.frames += 1
        np.add.at(counts.detections, found.class_ids[found.scores >= self._score], 1)
        if record.truth is None:
            return
        image, kept = truth_of_head(record.truth, self.labels)
        matches = record.matches[name]
        counts.images += 1
        counts.ignored += int(image.ignored.sum())
        counted = ~image.ignored
        missed = counted & (matches.objects[kept] == NOT_FOUND)
        np.add.at(counts.objects, image.class_ids[counted], 1)
        np.add.at(counts.missed, image.class_ids[missed], 1)
        np.add.at(counts.false_alarms, found.class_ids[matches.found == FALSE_ALARM], 1)
        if self._evaluation is None:
            self._evaluation = CocoGroups(self.labels, folder=self._folder)
        self._evaluation.add(group, found, image)

    def close(self) -> None:
        if self._evaluation is not None:
            self._evaluation.close()

    def metrics(self) -> DetectionHeadMetrics:
        cameras, conditions = _names(self._counts)
        return DetectionHeadMetrics(
            labels=self.labels,
            all=self._group(list(self._counts)),
            by_camera={name: self._group([key for key in self._counts if key[0] == name]) for name in cameras},
            by_condition={name: self._group([key for key in self._counts if key[1] == name]) for name in conditions},
        )

    def _group(self, groups: list[Group]) -> DetectionGroup:
        counts = _Counts(len(self.labels))
        for group in groups:
            counts.merge(self._counts[group])
        scores = None if self._evaluation is None else self._evaluation.scores(groups)
        objects, missed, false_alarms = (
            int(array.sum()) for array in (counts.objects, counts.missed, counts.false_alarms)
        )
        found = objects - missed
        return DetectionGroup(
            images=counts.images,
            frames=counts.frames,
            detections=int(counts.detections.sum()),
            objects=objects,
            ignored=counts.ignored,
            map50=scores.map50() if scores else None,
            map50_95=scores.map50_95() if scores else None,
            found=found,
            missed=missed,
            false_alarms=false_alarms,
            precision=found / (found + false_alarms) if found + false_alarms else None,
            recall=found / objects if objects else None,
            by_size={
                size: SizeMetrics(
                    objects=int(scores.objects[:, index].sum()) if scores else 0,
                    map50=scores.map50(size=size) if scores else None,
                    map50_95=scores.map50_95(size=size) if scores else None,
                )
                for index, size in enumerate(SIZES)
                if index
            },
            by_class={
                label: LabelMetrics(
                    objects=int(counts.objects[class_id]),
                    found=int(counts.objects[class_id] - counts.missed[class_id]),
                    missed=int(counts.missed[class_id]),
                    false_alarms=int(counts.false_alarms[class_id]),
                    detections=int(counts.detections[class_id]),
                    map50=scores.map50(class_id=class_id) if scores else None,
                    map50_95=scores.map50_95(class_id=class_id) if scores else None,
                )
                for class_id, label in enumerate(self.labels)
            },
        )


class _Counts:
    """Counts of one group; those of objects and detections by class."""

    def __init__(self, classes: int) -> None:
        self.images = self.frames = self.ignored = 0
        self.objects: NDArray[np.int64] = np.zeros(classes, np.int64)
        self.missed: NDArray[np.int64] = np.zeros(classes, np.int64)
        self.false_alarms: NDArray[np.int64] = np.zeros(classes, np.int64)
        self.detections: NDArray[np.int64] = np.zeros(classes, np.int64)

    def merge(self, other: _Counts) -> None:
        self.images += other.images
        self.frames += other.frames
        self.ignored += other.ignored
        self.objects += other.objects
        self.missed += other.missed
        self.false_alarms += other.false_alarms
        self.detections += other.detections


class _Masks:
    """One mask head."""

    def __init__(self, head: RunHead) -> None:
        self.labels = head.labels
        self._cells: dict[Group, tuple[int, ConfusionMatrix]] = {}

    def add(self, name: str, record: FrameRecord) -> None:
        cells = record.confusion.get(name)
        if cells is None:
            return
        group = (record.camera, record.condition)
        images, matrix = self._cells.get(group, (0, ConfusionMatrix(len(self.labels))))
        matrix.counts[cells[:, 0], cells[:, 1]] += cells[:, 2]
        self._cells[group] = images + 1, matrix

    def metrics(self) -> MaskHeadMetrics:
        cameras, conditions = _names(self._cells)
        return MaskHeadMetrics(
            labels=self.labels,
            all=self._group(list(self._cells)),
            by_camera={name: self._group([key for key in self._cells if key[0] == name]) for name in cameras},
            by_condition={name: self._group([key for key in self._cells if key[1] == name]) for name in conditions},
        )

    def _group(self, groups: list[Group]) -> MaskGroup:
        matrix = ConfusionMatrix(len(self.labels))
        for group in groups:
            matrix.merge(self._cells[group][1])
        iou = dict(zip(self.labels, matrix.iou(), strict=True))
        known = [value for value in iou.values() if value is not None]
        return MaskGroup(
            images=sum(self._cells[group][0] for group in groups),
            pixels=int(matrix.counts.sum()),
            miou=sum(known) / len(known) if known else None,
            iou=iou,
        )


def _names(groups: Iterable[Group]) -> tuple[list[str], list[str]]:
    """Cameras, and the conditions that the bags tell."""
    groups = list(groups)
    return sorted({camera for camera, _ in groups}), sorted({word for _, word in groups if word})
