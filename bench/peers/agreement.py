"""Whether two ways of running a network found the same objects."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

SAME_IOU = 0.9


def agreement(reference: Sequence[Sequence[float]], other: Sequence[Sequence[float]]) -> float:
    """Share of objects that have a partner of their class with an IoU of SAME_IOU in the other list, of both lists.

    Args:
        reference: x1 y1 x2 y2 score class of each object.
        other: The same.

    Returns:
        2 x partners / all objects; 1 where neither has any.
    """
    if not reference and not other:
        return 1.0
    if not reference or not other:
        return 0.0
    one, two = np.asarray(reference, float), np.asarray(other, float)
    same = (_iou(one, two) >= SAME_IOU) & (one[:, None, 5] == two[None, :, 5])
    partners = 0
    free = np.ones(len(two), bool)
    for row in same:
        candidates = np.flatnonzero(row & free)
        if candidates.size:
            free[candidates[0]] = False
            partners += 1
    return 2.0 * partners / (len(one) + len(two))


def _iou(one: NDArray[np.float64], two: NDArray[np.float64]) -> NDArray[np.float64]:
    low = np.maximum(one[:, None, :2], two[None, :, :2])
    high = np.minimum(one[:, None, 2:4], two[None, :, 2:4])
    common = np.clip(high - low, 0, None).prod(-1)
    areas = [np.clip(boxes[:, 2:4] - boxes[:, :2], 0, None).prod(-1) for boxes in (one, two)]
    shares: NDArray[np.float64] = common / np.maximum(areas[0][:, None] + areas[1][None, :] - common, 1e-9)
    return shares
