"""Average precision by the COCO protocol: by pycocotools where it is installed, else the same in NumPy."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from training.evaluated_image import EvaluatedImage

THRESHOLDS = np.linspace(0.5, 0.95, 10)
RECALLS = np.linspace(0.0, 1.0, 101)
MAX_DETECTIONS = 100


def average_precision(images: Sequence[EvaluatedImage], class_count: int) -> tuple[NDArray[np.float64], str]:
    """Average precision by IoU threshold (0.50 to 0.95) and class: float64 (10, class_count), NaN where a class has
    no evaluated object; and the name of what computed it.

    Ignored objects are COCO's crowd regions: whatever lies on them is neither found nor false.
    """
    try:
        import pycocotools  # noqa: F401, PLC0415
    except ImportError:
        return numpy_precision(images, class_count), "numpy"
    return coco_precision(images, class_count), "pycocotools"


def coco_precision(images: Sequence[EvaluatedImage], class_count: int) -> NDArray[np.float64]:
    """By pycocotools."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    annotations = []
    found = []
    for number, image in enumerate(images, 1):
        boxes = image.truth_boxes.astype(np.float64)
        for box, class_id, is_ignored in zip(boxes, image.truth_classes, image.is_ignored, strict=True):
            sides = box[2:] - box[:2]
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": number,
                    "category_id": int(class_id) + 1,
                    "bbox": [*box[:2], *sides],
                    "area": float(sides.prod()),
                    "iscrowd": int(is_ignored),
                }
            )
        detections = image.detections
        boxes = detections.boxes.astype(np.float64)
        for box, score, class_id in zip(boxes, detections.scores, detections.class_ids, strict=True):
            found.append([number, *box[:2], *(box[2:] - box[:2]), float(score), int(class_id) + 1])
    result = np.full((len(THRESHOLDS), class_count), np.nan)
    if not found or not annotations:
        classes = [a["category_id"] - 1 for a in annotations if not a["iscrowd"]]
        result[:, sorted(set(classes))] = 0.0
        return result
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO()
        truth.dataset = {
            "images": [{"id": number} for number in range(1, len(images) + 1)],
            "categories": [{"id": number} for number in range(1, class_count + 1)],
            "annotations": annotations,
        }
        truth.createIndex()
        evaluation = COCOeval(truth, truth.loadRes(np.array(found)), "bbox")
        evaluation.params.areaRng = [[0.0, 1e10]]
        evaluation.params.areaRngLbl = ["all"]
        evaluation.params.maxDets = [MAX_DETECTIONS]
        evaluation.evaluate()
        evaluation.accumulate()
    precision = evaluation.eval["precision"][:, :, :, 0, 0]  # thresholds, recalls, classes; -1 where undefined
    has_objects = (precision > -1).any((0, 1))
    result[:, has_objects] = precision[:, :, has_objects].mean(1)
    return result


def numpy_precision(images: Sequence[EvaluatedImage], class_count: int) -> NDArray[np.float64]:
    """The same protocol in NumPy, for machines without pycocotools."""
    result = np.full((len(THRESHOLDS), class_count), np.nan)
    for class_id in range(class_count):
        scores, matched, ignored, total = [], [], [], 0
        for image in images:
            score, match, ignore, count = _match(image, class_id)
            scores.append(score)
            matched.append(match)
            ignored.append(ignore)
            total += count
        if total:
            order = np.argsort(-np.concatenate(scores), kind="stable")
            match, ignore = np.concatenate(matched, 1)[:, order], np.concatenate(ignored, 1)[:, order]
            result[:, class_id] = [_area(hits[~out], total) for hits, out in zip(match, ignore, strict=True)]
    return result


def _match(
    image: EvaluatedImage, class_id: int
) -> tuple[NDArray[np.float32], NDArray[np.bool_], NDArray[np.bool_], int]:
    """Scores (k,), matched (10, k) and ignored (10, k) of one picture's detections of a class, and its objects."""
    chosen = np.flatnonzero(image.detections.class_ids == class_id)
    chosen = chosen[np.argsort(-image.detections.scores[chosen], kind="stable")][:MAX_DETECTIONS]
    rows = np.flatnonzero(image.truth_classes == class_id)
    rows = rows[np.argsort(image.is_ignored[rows], kind="stable")]
    crowd = image.is_ignored[rows]
    overlap = _overlap(image.detections.boxes[chosen], image.truth_boxes[rows], crowd)
    matched = np.zeros((len(THRESHOLDS), len(chosen)), np.bool_)
    ignored = np.zeros_like(matched)
    for level, threshold in enumerate(THRESHOLDS):
        taken = np.zeros(len(rows), np.bool_)
        for number in range(len(chosen)):
            best = -1
            limit = min(threshold, 1 - 1e-10)
            for row in range(len(rows)):
                if taken[row] and not crowd[row]:
                    continue
                if best > -1 and not crowd[best] and crowd[row]:
                    break  # a real object beats every crowd region; those stand last
                if overlap[number, row] < limit:
                    continue
                limit, best = overlap[number, row], row
            if best > -1:
                taken[best] = True
                matched[level, number] = True
                ignored[level, number] = crowd[best]
    return image.detections.scores[chosen], matched, ignored, int((~crowd).sum())


def _overlap(
    boxes: NDArray[np.float32], truth: NDArray[np.float32], crowd: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """IoU (k, n); for crowd regions the share of the detection that lies on them."""
    a, b = boxes.astype(np.float64)[:, None], truth.astype(np.float64)[None]
    sides = np.minimum(a[..., 2:], b[..., 2:]) - np.maximum(a[..., :2], b[..., :2])
    intersection = np.maximum(sides, 0.0).prod(-1)
    area_a, area_b = (a[..., 2:] - a[..., :2]).prod(-1), (b[..., 2:] - b[..., :2]).prod(-1)
    union = np.where(crowd[None], area_a, area_a + area_b - intersection)
    return intersection / np.maximum(union, 1e-12)


def _area(hits: NDArray[np.bool_], total: int) -> float:
    """Mean of the interpolated precision at 101 recalls."""
    found = np.cumsum(hits)
    recall = found / total
    precision = found / np.arange(1, len(hits) + 1)
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    position = np.searchsorted(recall, RECALLS, side="left")
    values = np.where(position < len(hits), np.append(envelope, 0.0)[np.minimum(position, len(hits))], 0.0)
    return float(values.mean())
