"""COCO average precision in NumPy, for training machines without pycocotools.

The same protocol as trt_perception.validate.detection_metrics, whose figures are the ones that are published.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from trt_perception.detections import Detections
from trt_perception.validate.detection_metrics import ClassMetrics, DetectionMetrics
from trt_perception.validate.image_truth import ImageTruth

THRESHOLDS = np.linspace(0.5, 0.95, 10)
RECALLS = np.linspace(0.0, 1.0, 101)
MAX_DETECTIONS = 100


def measure_detections_numpy(
    pairs: Sequence[tuple[Detections, ImageTruth]], *, labels: Sequence[str]
) -> DetectionMetrics:
    """Average precision over images; ignored objects are crowds to COCO, as in `measure_detections`."""
    by_class = {}
    for class_id, label in enumerate(labels):
        objects, precision = _class_precision(pairs, class_id)
        by_class[label] = ClassMetrics(
            objects=objects,
            map50=float(precision[0]) if objects else None,
            map50_95=float(precision.mean()) if objects else None,
        )
    return DetectionMetrics(
        map50=_mean([metrics.map50 for metrics in by_class.values()]),
        map50_95=_mean([metrics.map50_95 for metrics in by_class.values()]),
        images=len(pairs),
        by_class=by_class,
    )


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def _class_precision(pairs: Sequence[tuple[Detections, ImageTruth]], class_id: int) -> tuple[int, NDArray[np.float64]]:
    """Objects of the class that count, and average precision at each threshold."""
    if not pairs:
        return 0, np.zeros(len(THRESHOLDS))
    parts = [_match(detections, truth, class_id) for detections, truth in pairs]
    total = sum(part[3] for part in parts)
    if not total:
        return 0, np.zeros(len(THRESHOLDS))
    order = np.argsort(-np.concatenate([part[0] for part in parts]), kind="stable")
    matched = np.concatenate([part[1] for part in parts], 1)[:, order]
    ignored = np.concatenate([part[2] for part in parts], 1)[:, order]
    areas = [_area(hits[~out], total) for hits, out in zip(matched, ignored, strict=True)]
    return total, np.array(areas)


def _match(
    detections: Detections, truth: ImageTruth, class_id: int
) -> tuple[NDArray[np.float32], NDArray[np.bool_], NDArray[np.bool_], int]:
    """Scores (k,), matched (10, k) and ignored (10, k) of one picture's detections of a class, and its objects."""
    chosen = np.flatnonzero(detections.class_ids == class_id)
    chosen = chosen[np.argsort(-detections.scores[chosen], kind="stable")][:MAX_DETECTIONS]
    rows = np.flatnonzero(truth.class_ids == class_id)
    rows = rows[np.argsort(truth.ignored[rows], kind="stable")]
    crowd = truth.ignored[rows]
    overlap = _overlap(detections.boxes[chosen], truth.boxes[rows], crowd)
    matched = np.zeros((len(THRESHOLDS), len(chosen)), np.bool_)
    ignored = np.zeros_like(matched)
    for level, threshold in enumerate(THRESHOLDS):
        taken = np.zeros(len(rows), np.bool_)
        for number, overlaps in enumerate(overlap):
            row = _best_row(overlaps, threshold, taken, crowd)
            if row is not None:
                taken[row] = True
                matched[level, number] = True
                ignored[level, number] = crowd[row]
    return detections.scores[chosen], matched, ignored, int((~crowd).sum())


def _best_row(
    overlaps: NDArray[np.float64], threshold: float, taken: NDArray[np.bool_], crowd: NDArray[np.bool_]
) -> int | None:
    """The free object that overlaps most; a crowd region only where no object does, and then any number of times.
    Of equal ones the last wins, as in COCO's own loop.
    """
    for candidates in (~crowd & ~taken, crowd):
        fitting = np.flatnonzero(candidates & (overlaps >= threshold - 1e-10))
        if fitting.size:
            values = overlaps[fitting]
            return int(fitting[np.flatnonzero(values == values.max())[-1]])
    return None


def _overlap(boxes: NDArray[np.float32], truth: NDArray[np.float32], crowd: NDArray[np.bool_]) -> NDArray[np.float64]:
    """IoU (k, n); for crowd regions the share of the detection that lies on them."""
    a, b = boxes.astype(np.float64)[:, None], truth.astype(np.float64)[None]
    sides = np.minimum(a[..., 2:], b[..., 2:]) - np.maximum(a[..., :2], b[..., :2])
    intersection = np.maximum(sides, 0.0).prod(-1)
    area_a, area_b = (a[..., 2:] - a[..., :2]).prod(-1), (b[..., 2:] - b[..., :2]).prod(-1)
    union = np.where(crowd[None], area_a, area_a + area_b - intersection)
    result: NDArray[np.float64] = intersection / np.maximum(union, 1e-12)
    return result


def _area(hits: NDArray[np.bool_], total: int) -> float:
    """Mean of the interpolated precision at 101 recalls."""
    if not len(hits):
        return 0.0
    found = np.cumsum(hits)
    envelope = np.maximum.accumulate((found / np.arange(1, len(hits) + 1))[::-1])[::-1]
    position = np.searchsorted(found / total, RECALLS, side="left")
    return float(np.where(position < len(hits), envelope[np.minimum(position, len(hits) - 1)], 0.0).mean())
