"""Which thing is drawn before which: the painter's order."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from trt_perception.demo.render.face_batch import FaceBatch

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]

_BEHIND = 1.0e4


def thing_ranks(batch: FaceBatch, eye: Array, seen: Flags) -> NDArray[np.int64]:
    """int64 (I,): place of each thing in the order of drawing from `eye` (3,), what lies behind first.

    The distance of a point says when to draw a post or a person, but not a wall or a bus, whose near end hides what is
    nearer than their middle. So for each pair of a large thing and another that overlap in the view, the line of sight to
    the other one decides; the rest goes by distance, buildings and hedges first.
    """
    numbers = np.nonzero(seen)[0]
    ranks = np.zeros(len(batch.things), dtype=np.int64)
    if not len(numbers):
        return ranks
    offset = batch.centres[numbers, :2] - eye[:2]
    distance = np.linalg.norm(offset, axis=1)
    backdrop = np.array([batch.things[number].backdrop for number in numbers], dtype=bool)
    large = backdrop | np.array([max(batch.things[number].size[:2]) > 3.0 for number in numbers], dtype=bool)
    keys = distance + np.where(backdrop, _BEHIND, 0.0)
    first = _constraints(batch.boxes[numbers, :4, :2], eye[:2], offset, distance, large)
    ranks[numbers] = _topological(first, keys)
    return ranks


def _constraints(footprints: Array, eye: Array, offset: Array, distance: Array, large: Flags) -> Flags:
    """bool (N, N): whether row must be drawn before column."""
    count = len(distance)
    first = np.zeros((count, count), dtype=bool)
    big = np.nonzero(large)[0]
    if not len(big):
        return first
    hides = np.zeros((count, count), dtype=bool)
    hides[big] = _hides(footprints[big], eye, offset + eye)
    np.fill_diagonal(hides, False)
    bearing = np.arctan2(offset[:, 1], offset[:, 0])
    corners = footprints - eye
    spread = np.abs(_wrapped(np.arctan2(corners[..., 1], corners[..., 0]) - bearing[:, None])).max(axis=1)
    overlap = np.abs(_wrapped(bearing[:, None] - bearing[None, :])) < spread[:, None] + spread[None, :]
    # What a large thing hides comes before it; what it does not hide although they overlap stands in front of it.
    mutual = hides & hides.T
    first |= (hides & ~mutual).T
    in_front = large[:, None] & ~large[None, :] & overlap & ~hides
    np.fill_diagonal(in_front, False)
    return first | in_front


def _topological(first: Flags, keys: Array) -> NDArray[np.int64]:
    """int64 (N,): ranks that respect `first`, largest key first where there is a choice; a cycle is cut at its largest key."""
    count = len(keys)
    waiting = first.sum(axis=0)
    open_keys = keys.copy()
    ranks = np.zeros(count, dtype=np.int64)
    for rank in range(count):
        choice = int(np.argmax(np.where(waiting <= 0, open_keys, -np.inf)))
        if waiting[choice] > 0 or open_keys[choice] == -np.inf:
            choice = int(np.argmax(open_keys))
        ranks[choice] = rank
        open_keys[choice] = -np.inf
        waiting = waiting - first[choice]
    return ranks


def _wrapped(angle: Array) -> Array:
    return np.arctan2(np.sin(angle), np.cos(angle))


def _hides(footprints: Array, eye: Array, targets: Array) -> Flags:
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
    near = np.minimum(enter, leave).max(axis=2)
    far = np.maximum(enter, leave).min(axis=2)
    hides: Flags = (near < far) & (far > 0.0) & (near < 1.0)
    return hides
