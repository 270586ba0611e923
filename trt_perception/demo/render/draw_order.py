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
    nearer than their middle. So a large thing and another that overlap in the view are ordered by a line that parts
    them; the rest goes by distance, buildings and hedges first.
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
    first = _constraints(batch.boxes[numbers, :4, :2], eye[:2], offset, backdrop, large)
    ranks[numbers] = _topological(first, keys)
    return ranks


def _constraints(footprints: Array, eye: Array, offset: Array, backdrop: Flags, large: Flags) -> Flags:
    """bool (N, N): whether row must be drawn before column."""
    count = len(offset)
    first = np.zeros((count, count), dtype=bool)
    big = np.nonzero(large)[0]
    if not len(big):
        return first
    # Roofs overhang and touch: the lines are taken a little within the outlines. Small things count as their centre.
    centre = offset + eye
    inset = np.where(large, np.where(backdrop, 0.5, 0.05), np.inf)
    arm = footprints - centre[:, None, :]
    length = np.maximum(np.linalg.norm(arm, axis=2, keepdims=True), 1e-6)
    corners = centre[:, None, :] + arm * np.maximum(1.0 - inset[:, None, None] / length, 0.0)
    front, behind = _parted(corners[big], eye, corners)
    # Row stands before (behind) column, as a line along an edge of row or of column tells.
    nearer = np.zeros((count, count), dtype=bool)
    farther = np.zeros((count, count), dtype=bool)
    nearer[:, big] |= front.T
    farther[big, :] |= front
    farther[:, big] |= behind.T
    nearer[big, :] |= behind
    first |= farther & ~nearer & _overlap(footprints, eye, offset)
    np.fill_diagonal(first, False)
    return first


def _parted(shapes: Array, eye: Array, others: Array) -> tuple[Flags, Flags]:
    """bool (W, N) twice: whether an edge of a shape (W, 4, 2) has another (N, 4, 2) and the eye on its outer side, and
    whether it has the other one there and the eye on the inner side.
    """
    edge = np.roll(shapes, -1, axis=1) - shapes
    normal = np.stack([edge[..., 1], -edge[..., 0]], axis=-1)
    level = (normal * shapes).sum(axis=2)
    eye_outside = normal @ eye > level
    outside = (np.einsum("wec,nkc->wenk", normal, others) >= level[..., None, None]).all(axis=3)
    front: Flags = (outside & eye_outside[..., None]).any(axis=1)
    behind: Flags = (outside & ~eye_outside[..., None]).any(axis=1)
    return front, behind


def _overlap(footprints: Array, eye: Array, offset: Array) -> Flags:
    """bool (N, N): whether two things lie in the same direction, at least in part."""
    bearing = np.arctan2(offset[:, 1], offset[:, 0])
    corners = footprints - eye
    spread = np.abs(_wrapped(np.arctan2(corners[..., 1], corners[..., 0]) - bearing[:, None])).max(axis=1)
    overlap: Flags = np.abs(_wrapped(bearing[:, None] - bearing[None, :])) < spread[:, None] + spread[None, :]
    return overlap


def _topological(first: Flags, keys: Array) -> NDArray[np.int64]:
    """int64 (N,): ranks that respect `first`, largest key first where there is a choice.

    Where things hide each other in a ring, the ring is cut at its largest key.
    """
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
    wrapped: Array = np.arctan2(np.sin(angle), np.cos(angle))
    return wrapped
