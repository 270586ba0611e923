"""Non-maximum suppression: of boxes that overlap, one object remains."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_TINY = np.finfo(np.float64).tiny
"""Smallest union that is divided by: boxes without area have none."""
_BLOCK = 64
"""Boxes whose overlaps are computed at once: few enough to stay in the cache, enough to keep NumPy busy."""


def class_aware_nms(
    boxes: NDArray[np.floating],
    scores: NDArray[np.floating],
    class_ids: NDArray[np.integer],
    *,
    iou: float,
    max_detections: int,
) -> NDArray[np.intp]:
    """Greedy NMS within each class: the best box stays, boxes of its class that overlap it by more than `iou` go.

    Overlap is intersection over union in float64; two boxes without area do not overlap. Equal scores go by index,
    so the same input gives the same bytes.

    Args:
        boxes: (n, 4), x1 y1 x2 y2.
        scores: (n,).
        class_ids: (n,).
        iou: Overlap up to which two boxes of a class both stay.
        max_detections: Most boxes that stay, best scores first.

    Returns:
        intp (m,): positions of those that stay, best score first.
    """
    order = np.argsort(-scores, kind="stable")
    corners = np.ascontiguousarray(boxes[order].T, np.float64)
    classes = class_ids[order]
    alive = np.ones(len(order), np.bool_)
    kept: list[int] = []
    for start in range(0, len(order), _BLOCK):
        rows = np.flatnonzero(alive[start : start + _BLOCK]) + start
        suppresses = _overlap(corners[:, rows], corners[:, start:]) > iou
        suppresses &= classes[rows, None] == classes[None, start:]
        for row, suppressed in zip(rows, suppresses, strict=True):
            if not alive[row]:
                continue
            kept.append(int(row))
            if len(kept) == max_detections:
                return order[kept]
            alive[start:] &= ~suppressed
    return order[np.array(kept, np.intp)]


def _overlap(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    """Intersection over union of each pair: (4, n), (4, m) -> (n, m)."""
    x1, y1, x2, y2 = first[:, :, None]
    width = np.minimum(x2, second[2])
    width -= np.maximum(x1, second[0])
    np.maximum(width, 0.0, out=width)
    height = np.minimum(y2, second[3])
    height -= np.maximum(y1, second[1])
    np.maximum(height, 0.0, out=height)
    intersection = np.multiply(width, height, out=width)
    union = np.subtract((x2 - x1) * (y2 - y1) + _area(second), intersection, out=height)
    np.maximum(union, _TINY, out=union)
    return np.asarray(np.divide(intersection, union, out=union), np.float64)


def _area(boxes: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray((boxes[2] - boxes[0]) * (boxes[3] - boxes[1]), np.float64)
