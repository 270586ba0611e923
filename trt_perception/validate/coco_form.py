"""Detections and truth in the form of COCO: what pycocotools evaluates, and what others can check."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from trt_perception.detections import Detections
from trt_perception.validate.image_truth import ImageTruth


def coco_results(image: int, found: Detections) -> Iterator[dict[str, Any]]:
    """Entries of a results file; category ids are class ids."""
    for box, score, class_id in zip(found.boxes.tolist(), found.scores.tolist(), found.class_ids.tolist(), strict=True):
        yield {"image_id": image, "category_id": class_id, "bbox": _xywh(box), "score": score}


def coco_annotations(image: int, truth: ImageTruth) -> Iterator[dict[str, Any]]:
    """Annotations without ids. An ignored object is a crowd, the only flag that pycocotools heeds."""
    boxes, ignored = truth.boxes.tolist(), truth.ignored.tolist()
    for box, class_id, crowd in zip(boxes, truth.class_ids.tolist(), ignored, strict=True):
        bbox = _xywh(box)
        yield {
            "image_id": image,
            "category_id": class_id,
            "bbox": bbox,
            "area": bbox[2] * bbox[3],
            "iscrowd": int(crowd),
        }


def coco_categories(labels: Sequence[str]) -> list[dict[str, Any]]:
    """Categories; ids are class ids."""
    return [{"id": class_id, "name": label} for class_id, label in enumerate(labels)]


def _xywh(box: Sequence[float]) -> list[float]:
    x1, y1, x2, y2 = box
    return [x1, y1, x2 - x1, y2 - y1]
