"""Which things stand in the shadow of a building."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from trt_perception.demo.render.face_batch import FaceBatch

Array = NDArray[np.float64]

_LOWEST_M = 2.5  # hedges and fences are too low to count


def shaded_things(batch: FaceBatch, sun: Array) -> NDArray[np.bool_]:
    """bool (I,): whether the line from a thing's middle to the sun runs through a building.

    Args:
        batch: All things.
        sun: float64 (3,), direction to the sun in the body frame.
    """
    shaded = np.zeros(len(batch.things), dtype=bool)
    high = batch.boxes[:, 4, 2]
    backdrop = np.array([thing.backdrop for thing in batch.things], dtype=bool)
    walls = np.nonzero(backdrop & (high > _LOWEST_M))[0]
    others = np.nonzero(~backdrop)[0]
    level = float(np.hypot(sun[0], sun[1]))
    if not len(walls) or not len(others) or level < 1e-3:
        return shaded
    # The slab method in the plane, in the axes of each building; then the height of the line where it enters.
    footprint = batch.boxes[walls, :4, :2]
    origin = footprint[:, 0]
    sides = np.stack([footprint[:, 1] - origin, footprint[:, 3] - origin], axis=1)
    lengths = np.maximum(np.linalg.norm(sides, axis=2), 1e-6)
    axes = sides / lengths[..., None]
    start = np.einsum("wnc,wac->wna", batch.centres[None, others, :2] - origin[:, None, :], axes)
    step = (axes @ (sun[:2] / level))[:, None, :]
    step = np.where(np.abs(step) < 1e-9, 1e-9, step)
    enter = (0.0 - start) / step
    leave = (lengths[:, None, :] - start) / step
    near = np.minimum(enter, leave).max(axis=2)
    far = np.maximum(enter, leave).min(axis=2)
    height = batch.centres[None, others, 2] + near * float(sun[2]) / level
    shaded[others] = ((near < far) & (near > 0.0) & (height < high[walls, None])).any(axis=0)
    return shaded
