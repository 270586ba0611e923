"""Which thing is drawn before which: the painter's order."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from trt_perception.demo.render.face_batch import FaceBatch

Array = NDArray[np.float64]

_BEHIND = 1.0e4


def thing_ranks(batch: FaceBatch, eye: Array) -> NDArray[np.int64]:
    """int64 (I,): place of each thing in the order of drawing from `eye` (3,), far ones first.

    Things are ordered by distance. Backdrops (buildings, hedges) are large, so that their centre says little: they come
    first, except where one stands between the eye and a thing; then it comes right after that thing.
    """
    distance = np.linalg.norm(batch.centres[:, :2] - eye[:2], axis=1)
    backdrop = np.array([thing.backdrop for thing in batch.things], dtype=bool)
    keys = distance.copy()
    walls = np.nonzero(backdrop)[0]
    others = np.nonzero(~backdrop)[0]
    keys[walls] = _BEHIND + distance[walls]
    if len(walls) and len(others):
        hidden = _hides(batch.boxes[walls, :4, :2], eye[:2], batch.centres[others, :2])
        nearest = np.where(hidden, distance[others][None, :], np.inf).min(axis=1)
        in_front = np.isfinite(nearest)
        keys[walls[in_front]] = nearest[in_front] - 1e-3
    order = np.argsort(-keys, kind="stable")
    ranks = np.empty(len(order), dtype=np.int64)
    ranks[order] = np.arange(len(order))
    return ranks


def _hides(footprints: Array, eye: Array, targets: Array) -> NDArray[np.bool_]:
    """bool (W, N): whether the line from `eye` (2,) to a target (N, 2) runs through a footprint (W, 4, 2).

    The slab method in the footprint's own axes.
    """
    origin = footprints[:, 0]
    sides = np.stack([footprints[:, 1] - origin, footprints[:, 3] - origin], axis=1)
    lengths = np.maximum(np.linalg.norm(sides, axis=2), 1e-6)
    axes = sides / lengths[..., None]
    start = ((eye - origin)[:, None, :] * axes).sum(axis=2)
    step = np.einsum("nc,wac->wna", targets - eye, axes)
    step = np.where(np.abs(step) < 1e-9, 1e-9, step)
    enter = (0.0 - start)[:, None, :] / step
    leave = (lengths - start)[:, None, :] / step
    first = np.minimum(enter, leave).max(axis=2)
    last = np.maximum(enter, leave).min(axis=2)
    hides: NDArray[np.bool_] = (first < last) & (last > 0.0) & (first < 1.0)
    return hides
