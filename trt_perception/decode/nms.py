"""Non-maximum suppression: of boxes that overlap, one object remains."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_BLOCK = 128
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
    corners = boxes[order].astype(np.float64)
    classes = class_ids[order]
    alive = np.ones(len(order), np.bool_)
    kept: list[int] = []
    for start in range(0, len(order), _BLOCK):
        rows = np.flatnonzero(alive[start : start + _BLOCK]) + start
        suppresses = _overlap(corners[rows], corners[start:]) > iou
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
    """Intersection over union of each pair: (n, 4), (m, 4) -> (n, m)."""
    top_left = np.maximum(first[:, None, :2], second[None, :, :2])
    bottom_right = np.minimum(first[:, None, 2:], second[None, :, 2:])
    sides = np.maximum(bottom_right - top_left, 0.0)
    intersection = sides[..., 0] * sides[..., 1]
    union = _area(first)[:, None] + _area(second)[None, :] - intersection
    return np.asarray(np.divide(intersection, union, out=np.zeros_like(union), where=union > 0.0), np.float64)


def _area(boxes: NDArray[np.float64]) -> NDArray[np.float64]:
    area: NDArray[np.float64] = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    return area
