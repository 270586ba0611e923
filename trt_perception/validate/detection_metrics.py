"""Average precision of detections, by pycocotools."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trt_perception.detections import Detections
from trt_perception.errors import MissingError
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
    try:
        from pycocotools.coco import COCO
        from pycocotools.cocoeval import COCOeval
    except ImportError as error:
        raise MissingError("pycocotools is not installed", "pip install 'trt_perception[report]'") from error
    found: list[dict[str, Any]] = []
    truth: list[dict[str, Any]] = []
    images = 0
    for images, (detections, image_truth) in enumerate(pairs, start=1):
        found.extend(_found(images, detections))
        truth.extend(_truth(images, image_truth))
    if not any(not annotation["iscrowd"] for annotation in truth):
        return DetectionMetrics(map50=None, map50_95=None, images=images, by_class=_by_class(labels, truth, None))
    for number, annotation in enumerate(truth, start=1):
        annotation["id"] = number  # 0 means "no match" to COCOeval
    dataset = {
        "images": [{"id": image} for image in range(1, images + 1)],
        "categories": [{"id": class_id, "name": label} for class_id, label in enumerate(labels)],
        "annotations": truth,
    }
    with contextlib.redirect_stdout(io.StringIO()):
        reference = COCO()
        reference.dataset = dataset
        reference.createIndex()
        evaluation = COCOeval(reference, _results(reference, found), "bbox")
        evaluation.params.maxDets = [max_detections]
        evaluation.evaluate()
        evaluation.accumulate()
    precision: NDArray[np.float64] = evaluation.eval["precision"][:, :, :, _ALL_AREAS, _MOST_DETECTIONS]
    return DetectionMetrics(
        map50=_mean(precision[:1]),
        map50_95=_mean(precision),
        images=images,
        by_class=_by_class(labels, truth, precision),
    )


def _results(reference: Any, found: list[dict[str, Any]]) -> Any:
    """COCO's results object; its own loader refuses an empty list, which is a valid answer."""
    if found:
        return reference.loadRes(found)
    empty = type(reference)()
    empty.dataset = {**reference.dataset, "annotations": []}
    empty.createIndex()
    return empty


def _found(image: int, detections: Detections) -> Iterator[dict[str, Any]]:
    for box, score, class_id in zip(detections.boxes, detections.scores, detections.class_ids, strict=True):
        yield {"image_id": image, "category_id": int(class_id), "bbox": _xywh(box), "score": float(score)}


def _truth(image: int, truth: ImageTruth) -> Iterator[dict[str, Any]]:
    for box, class_id, ignored in zip(truth.boxes, truth.class_ids, truth.ignored, strict=True):
        bbox = _xywh(box)
        yield {
            "image_id": image,
            "category_id": int(class_id),
            "bbox": bbox,
            "area": bbox[2] * bbox[3],
            "iscrowd": int(ignored),
        }


def _xywh(box: NDArray[np.float32]) -> list[float]:
    x1, y1, x2, y2 = (float(value) for value in box)
    return [x1, y1, x2 - x1, y2 - y1]


def _by_class(
    labels: Sequence[str], truth: Sequence[Mapping[str, Any]], precision: NDArray[np.float64] | None
) -> dict[str, ClassMetrics]:
    counts = [0] * len(labels)
    for annotation in truth:
        counts[annotation["category_id"]] += not annotation["iscrowd"]
    return {
        label: ClassMetrics(
            objects=counts[class_id],
            map50=None if precision is None else _mean(precision[:1, :, class_id]),
            map50_95=None if precision is None else _mean(precision[:, :, class_id]),
        )
        for class_id, label in enumerate(labels)
    }


def _mean(precision: NDArray[np.float64]) -> float | None:
    """COCO writes -1 where a class has no object."""
    valid = precision[precision > -1]
    return float(valid.mean()) if valid.size else None
