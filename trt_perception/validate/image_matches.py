"""COCO's matching of detections with objects, image by image, by pycocotools."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterable
from typing import Any

from trt_perception.detections import Detections
from trt_perception.errors import MissingError
from trt_perception.validate.coco_form import coco_annotations, coco_categories, coco_results
from trt_perception.validate.image_truth import ImageTruth


def match_images(pairs: Iterable[tuple[Detections, ImageTruth]], *, class_count: int, max_detections: int = 100) -> Any:
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
        found.extend(coco_results(images, detections))
        truth.extend(coco_annotations(images, image_truth))
    for number, annotation in enumerate(truth, start=1):
        annotation["id"] = number  # 0 means "no match" to COCOeval
    for number, result in enumerate(found, start=1):
        result.update(id=number, area=result["bbox"][2] * result["bbox"][3], iscrowd=0)
    head = {
        "images": [{"id": image} for image in range(1, images + 1)],
        "categories": coco_categories([str(label) for label in range(class_count)]),
    }
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
