"""Compares two runs of the same model image by image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from trt_perception.detections import Detections
from trt_perception.model.model_spec import HeadSpec
from trt_perception.result import Result
from trt_perception.segmentation_mask import SegmentationMask
from trt_perception.thresholds import Thresholds
from trt_perception.validate.agreement import Agreement, DetectionAgreement, MaskAgreement
from trt_perception.validate.agreement_limits import AgreementLimits
from trt_perception.validate.confusion_matrix import ConfusionMatrix
from trt_perception.validate.detection_metrics import DetectionMetrics, measure_detections
from trt_perception.validate.image_truth import ImageTruth
from trt_perception.validate.match_objects import unmatched
from trt_perception.validate.truth_of_image import TruthOfImage

MEASURING_THRESHOLDS = Thresholds(score=0.01, nms_iou=0.6, max_detections=100)
"""For both pipelines: so low that the whole precision-recall curve is seen."""


class AgreementMeter:
    """Takes the results of both sides, image by image; keeps boxes and counts, no pixels.

    Args:
        heads: The model's heads.
        limits: What counts as an object, and what is allowed. Default: AgreementLimits().
    """

    def __init__(self, heads: Sequence[HeadSpec], limits: AgreementLimits | None = None) -> None:
        self.limits = limits or AgreementLimits()
        self._images = 0
        self._detections = {head.name: _Boxes(labels=head.labels) for head in heads if head.kind.is_detection}
        self._masks = {head.name: _Pixels(labels=head.labels) for head in heads if not head.kind.is_detection}

    def add(self, reference: Result, tested: Result, truth: TruthOfImage | None = None) -> None:
        """Count one image.

        Args:
            reference: Of the model in FP32, at MEASURING_THRESHOLDS.
            tested: Of the engine, likewise.
            truth: What is really there, where somebody knows.

        Raises:
            ValueError: Masks of different sizes, or a result of another model.
        """
        self._images += 1
        for name, boxes in self._detections.items():
            objects = None if truth is None else truth.objects.get(name)
            boxes.add(_detections(reference, name), _detections(tested, name), objects)
        for name, pixels in self._masks.items():
            pixels.add(_mask(reference, name), _mask(tested, name), truth, name)

    def merge(self, other: AgreementMeter) -> None:
        """Add the images of another meter of the same model and limits."""
        self._images += other._images
        for name, boxes in self._detections.items():
            boxes.merge(other._detections[name])
        for name, pixels in self._masks.items():
            pixels.merge(other._masks[name])

    def agreement(self) -> Agreement:
        """The figures of all images so far.

        Raises:
            MissingError: pycocotools is not installed.
        """
        return Agreement(
            images=self._images,
            limits=self.limits,
            detections=tuple(boxes.agreement(name, self.limits) for name, boxes in self._detections.items()),
            masks=tuple(pixels.agreement(name) for name, pixels in self._masks.items()),
        )


@dataclass(kw_only=True)
class _Boxes:
    """One detection head's results."""

    labels: tuple[str, ...]
    reference: list[Detections] = field(default_factory=list)
    tested: list[Detections] = field(default_factory=list)
    truth: list[ImageTruth | None] = field(default_factory=list)

    def add(self, reference: Detections, tested: Detections, truth: ImageTruth | None) -> None:
        self.reference.append(reference)
        self.tested.append(tested)
        self.truth.append(truth)

    def merge(self, other: _Boxes) -> None:
        self.reference += other.reference
        self.tested += other.tested
        self.truth += other.truth

    def agreement(self, head: str, limits: AgreementLimits) -> DetectionAgreement:
        pseudo = [_pseudo_truth(found, limits.object_score) for found in self.reference]
        missed = new = 0
        for one, other in zip(self.reference, self.tested, strict=True):
            missed += len(_unmatched(one, other, limits))
            new += len(_unmatched(other, one, limits))
        has_truth = any(image is not None for image in self.truth)
        return DetectionAgreement(
            head=head,
            objects=sum(len(image.class_ids) for image in pseudo),
            pseudo_map50=measure_detections(zip(self.tested, pseudo, strict=True), labels=self.labels).map50,
            missed=missed,
            new=new,
            reference=self._against_truth(self.reference) if has_truth else None,
            tested=self._against_truth(self.tested) if has_truth else None,
        )

    def _against_truth(self, side: list[Detections]) -> DetectionMetrics:
        pairs = [(found, truth) for found, truth in zip(side, self.truth, strict=True) if truth is not None]
        return measure_detections(pairs, labels=self.labels)


class _Pixels:
    """One mask head's results."""

    def __init__(self, *, labels: tuple[str, ...]) -> None:
        self.labels = labels
        self.same = self.all = 0
        self.reference, self.tested = ConfusionMatrix(len(labels)), ConfusionMatrix(len(labels))
        self.has_truth = False

    def add(self, reference: SegmentationMask, tested: SegmentationMask, truth: TruthOfImage | None, head: str) -> None:
        if reference.class_ids.shape != tested.class_ids.shape:
            raise ValueError(
                f"AgreementMeter.add: masks of {head} differ in size, {reference.class_ids.shape} and "
                f"{tested.class_ids.shape}"
            )
        self.same += int(np.count_nonzero(reference.class_ids == tested.class_ids))
        self.all += reference.class_ids.size
        mask = None if truth is None else truth.masks.get(head)
        if mask is not None:
            self.has_truth = True
            self.reference.add(reference.class_ids, mask)
            self.tested.add(tested.class_ids, mask)

    def merge(self, other: _Pixels) -> None:
        self.same += other.same
        self.all += other.all
        self.has_truth = self.has_truth or other.has_truth
        self.reference.merge(other.reference)
        self.tested.merge(other.tested)

    def agreement(self, head: str) -> MaskAgreement:
        return MaskAgreement(
            head=head,
            pixel_agreement=self.same / self.all if self.all else 1.0,
            reference=dict(zip(self.labels, self.reference.iou(), strict=True)) if self.has_truth else {},
            tested=dict(zip(self.labels, self.tested.iou(), strict=True)) if self.has_truth else {},
        )


def _unmatched(one: Detections, other: Detections, limits: AgreementLimits) -> Detections:
    return unmatched(one, other, score=limits.object_score, found_score=limits.found_score, iou=limits.match_iou)


def _pseudo_truth(found: Detections, score: float) -> ImageTruth:
    objects = found.select(found.scores >= score)
    return ImageTruth(
        boxes=objects.boxes, class_ids=objects.class_ids, ignored=np.zeros(len(objects.class_ids), np.bool_)
    )


def _detections(result: Result, head: str) -> Detections:
    found = result.heads.get(head)
    if not isinstance(found, Detections):
        raise ValueError(f"AgreementMeter.add: expected detections of {head}, got {type(found).__name__}")
    return found


def _mask(result: Result, head: str) -> SegmentationMask:
    found = result.heads.get(head)
    if not isinstance(found, SegmentationMask):
        raise ValueError(f"AgreementMeter.add: expected a mask of {head}, got {type(found).__name__}")
    return found
