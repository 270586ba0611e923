"""Which objects of one side the other side found, too."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from trt_perception.detections import Detections


def unmatched(objects: Detections, found: Detections, *, score: float, found_score: float, iou: float) -> Detections:
    """The objects that the other side did not find.

    Args:
        objects: One side; those of at least `score` are objects.
        found: The other side; those of at least `found_score` may be them. Each is one object at most: the best
            scored object chooses first, and takes the box that overlaps it most.
        score: Lowest score of an object.
        found_score: Lowest score of a find.
        iou: Lowest overlap, intersection over union, of an object and its find; both are of one class.
    """
    objects = objects.select(objects.scores >= score)
    found = found.select(found.scores >= found_score)
    overlap = box_iou(objects.boxes, found.boxes)
    overlap[objects.class_ids[:, None] != found.class_ids[None, :]] = 0.0
    missed = np.ones(len(objects), np.bool_)
    for index in np.argsort(-objects.scores, kind="stable"):
        if not len(found):
            break
        best = int(overlap[index].argmax())
        if overlap[index, best] >= iou and overlap[index, best] > 0:
            missed[index] = False
            overlap[:, best] = 0.0
    return objects.select(missed)


def box_iou(one: NDArray[np.float32], other: NDArray[np.float32]) -> NDArray[np.float32]:
    """Intersection over union: float32 (n, m) of boxes float32 (n, 4) and (m, 4), x1 y1 x2 y2 in px."""
    low = np.maximum(one[:, None, :2], other[None, :, :2])
    high = np.minimum(one[:, None, 2:], other[None, :, 2:])
    common = (high - low).clip(0).prod(axis=2)
    area_one = (one[:, 2:] - one[:, :2]).prod(axis=1)
    area_other = (other[:, 2:] - other[:, :2]).prod(axis=1)
    union = area_one[:, None] + area_other[None, :] - common
    overlap: NDArray[np.float32] = np.divide(common, union, out=np.zeros_like(common), where=union > 0)
    return overlap
