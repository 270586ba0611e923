"""Average precision of detections, by pycocotools."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trt_perception.detections import Detections
from trt_perception.validate.image_matches import match_images
from trt_perception.validate.image_truth import ImageTruth

# Axes of COCOeval's precision array: IoU thresholds 0.50 to 0.95, recall, class, area, most detections an image.
_ALL_AREAS = 0
_MOST_DETECTIONS = -1


@dataclass(frozen=True, kw_only=True)
class ClassMetrics:
    """One class: objects that count, and average precision; None where the class has no object that counts."""

    objects: int
    map50: float | None
    map50_95: float | None


@dataclass(frozen=True, kw_only=True)
class DetectionMetrics:
    """COCO average precision, 0 to 1, mean over the classes that have objects; None where none has.

    Args:
        map50: At IoU 0.50.
        map50_95: Mean over IoU 0.50 to 0.95 in steps of 0.05.
        images: Images evaluated, empty ones included.
        by_class: The same for each label.
    """

    map50: float | None
    map50_95: float | None
    images: int
    by_class: Mapping[str, ClassMetrics]


def measure_detections(
    pairs: Iterable[tuple[Detections, ImageTruth]], *, labels: Sequence[str], max_detections: int = 100
) -> DetectionMetrics:
    """Average precision over images, as COCO defines it.

    An ignored object is a crowd to COCO: a detection that lies on it to more than the IoU threshold (of its own
    area) counts neither way.

    Args:
        pairs: Detections and truth, one pair an image.
        labels: Name of each class id, of both sides.
        max_detections: Most detections of one image that count, best first.

    Raises:
        MissingError: pycocotools is not installed.
    """
    evaluation = match_images(pairs, class_count=len(labels), max_detections=max_detections)
    truth = evaluation.cocoGt.dataset["annotations"]
    images = len(evaluation.params.imgIds)
    if all(annotation["iscrowd"] for annotation in truth):
        return DetectionMetrics(map50=None, map50_95=None, images=images, by_class=_by_class(labels, truth, None))
    with contextlib.redirect_stdout(io.StringIO()):
        evaluation.accumulate()
    precision: NDArray[np.float64] = evaluation.eval["precision"][:, :, :, _ALL_AREAS, _MOST_DETECTIONS]
    return DetectionMetrics(
        map50=mean_precision(precision[:1]),
        map50_95=mean_precision(precision),
        images=images,
        by_class=_by_class(labels, truth, precision),
    )


def _by_class(
    labels: Sequence[str], truth: Sequence[Mapping[str, Any]], precision: NDArray[np.float64] | None
) -> dict[str, ClassMetrics]:
    counts = [0] * len(labels)
    for annotation in truth:
        counts[annotation["category_id"]] += not annotation["iscrowd"]
    return {
        label: ClassMetrics(
            objects=counts[class_id],
            map50=None if precision is None else mean_precision(precision[:1, :, class_id]),
            map50_95=None if precision is None else mean_precision(precision[:, :, class_id]),
        )
        for class_id, label in enumerate(labels)
    }


def mean_precision(precision: NDArray[np.float64]) -> float | None:
    """The mean of COCOeval's precisions, which are -1 where a class has no object; None where none has."""
    valid = precision[precision > -1]
    return float(valid.mean()) if valid.size else None
