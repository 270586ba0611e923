"""The demo's results against the drive's ground truth."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from trt_perception.bag.true_objects import TrueObjects
from trt_perception.cli.demo_run import DemoRun
from trt_perception.demo.run_report import Accuracy
from trt_perception.detections import Detections
from trt_perception.segmentation_mask import SegmentationMask
from trt_perception.validate.confusion_matrix import ConfusionMatrix
from trt_perception.validate.detection_metrics import measure_detections
from trt_perception.validate.image_truth import ImageTruth

Pair = tuple[Detections, ImageTruth]


def measure_accuracy(run: DemoRun) -> Accuracy | None:
    """Quality of a run; None where the source has no truth or the model does not find the drive's classes."""
    head = next((head for head in run.spec.heads if head.kind.is_detection), None)
    labels = {label for frame in run.frames() for label in _labels(run, frame.camera, frame.index)}
    if head is None or not run.source.mask_labels or not labels <= set(head.labels):
        return None
    answered = list(_pairs(run, head.name, head.labels, dropped=False))
    everything = list(_pairs(run, head.name, head.labels, dropped=True))
    return Accuracy(
        processed=measure_detections(answered, labels=head.labels),
        all_frames=measure_detections(everything, labels=head.labels),
        iou=_mask_iou(run),
    )


def _labels(run: DemoRun, camera: str, index: int) -> tuple[str, ...]:
    truth = run.source.truth(camera, index)
    return truth.objects.labels if truth is not None else ()


def _pairs(run: DemoRun, head: str, labels: tuple[str, ...], *, dropped: bool) -> Iterator[Pair]:
    """Answered frames, and with `dropped` the others, too, as if nothing had been found."""
    for frame in run.frames():
        truth = run.source.truth(frame.camera, frame.index)
        found = Detections.empty() if frame.answer is None else frame.answer.heads.get(head)
        if truth is not None and isinstance(found, Detections) and (dropped or frame.answer is not None):
            yield found, _image_truth(truth.objects, labels)


def _image_truth(objects: TrueObjects, labels: tuple[str, ...]) -> ImageTruth:
    return ImageTruth(
        boxes=objects.boxes,
        class_ids=np.array([labels.index(label) for label in objects.labels], np.int32),
        ignored=objects.ignored,
    )


def _mask_iou(run: DemoRun) -> dict[str, float | None]:
    """Intersection over union of the mask classes but the first, which is everything else."""
    names = tuple(run.source.mask_labels)
    matrix = ConfusionMatrix(len(names))
    for frame in run.frames():
        truth = run.source.truth(frame.camera, frame.index)
        if truth is None or frame.answer is None:
            continue
        for head in run.spec.heads:
            found = frame.answer.heads.get(head.name)
            if isinstance(found, SegmentationMask) and head.labels == names:
                matrix.add(found.class_ids, truth.mask)
    return dict(list(zip(names, matrix.iou(), strict=True))[1:])
