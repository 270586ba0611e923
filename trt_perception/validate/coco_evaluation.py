"""COCO's matching of detections with objects, image by image, by pycocotools."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trt_perception.detections import Detections
from trt_perception.errors import MissingError
from trt_perception.validate.image_truth import ImageTruth


def coco_evaluation(
    pairs: Iterable[tuple[Detections, ImageTruth]], *, class_count: int, max_detections: int = 100
) -> Any:
    """A COCOeval over images 1 to n and categories 0 to class_count - 1, evaluated over all sizes, not accumulated.

    Args:
        pairs: Detections and truth, one pair an image. An ignored object is a crowd to COCO.
        class_count: Classes of both sides.
        max_detections: Most detections of one image and class that count, best first.

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
    for number, annotation in enumerate(truth, start=1):
        annotation["id"] = number  # 0 means "no match" to COCOeval
    for number, result in enumerate(found, start=1):
        result["id"] = number
    head = {"images": [{"id": image} for image in range(1, images + 1)], "categories": _categories(class_count)}
    with contextlib.redirect_stdout(io.StringIO()):
        evaluation = COCOeval(_index(COCO(), {**head, "annotations": truth}), iouType="bbox")
        evaluation.cocoDt = _index(COCO(), {**head, "annotations": found})
        evaluation.params.imgIds = [image["id"] for image in head["images"]]
        evaluation.params.catIds = list(range(class_count))
        evaluation.params.maxDets = [max_detections]
        evaluation.params.areaRng = evaluation.params.areaRng[:1]
        evaluation.params.areaRngLbl = evaluation.params.areaRngLbl[:1]
        evaluation.evaluate()
    return evaluation


def _index(dataset: Any, content: dict[str, Any]) -> Any:
    dataset.dataset = content
    dataset.createIndex()
    return dataset


def _categories(class_count: int) -> list[dict[str, Any]]:
    return [{"id": class_id, "name": str(class_id)} for class_id in range(class_count)]


def _found(image: int, detections: Detections) -> Iterator[dict[str, Any]]:
    for box, score, class_id in zip(detections.boxes, detections.scores, detections.class_ids, strict=True):
        bbox = _xywh(box)
        yield {
            "image_id": image,
            "category_id": int(class_id),
            "bbox": bbox,
            "area": bbox[2] * bbox[3],
            "score": float(score),
            "iscrowd": 0,
        }


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
