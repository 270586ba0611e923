"""Faces and patches as polygons on the canvas, in the order of drawing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trt_perception.demo.mesh.mesh import CORNERS, Kind
from trt_perception.demo.render.draw_order import thing_ranks
from trt_perception.demo.render.face_batch import FaceBatch
from trt_perception.demo.render.view import NEAR_M, View

Array = NDArray[np.float64]
Indices = NDArray[np.int64]

_HALF = np.linspace(np.pi / 2.0, 3.0 * np.pi / 2.0, CORNERS // 2)
# Unit outline of a capsule whose axis points along +x: half round the start, then half round the end.
_OUTLINE_COS = np.concatenate([np.cos(_HALF), np.cos(_HALF + np.pi)])
_OUTLINE_SIN = np.concatenate([np.sin(_HALF), np.sin(_HALF + np.pi)])
_ROUND = np.arange(CORNERS) * (2.0 * np.pi / CORNERS)
_RAGGED = 1.0 + 0.22 * np.sin(
    np.arange(16)[:, None] * 2.399 + np.arange(CORNERS)[None, :] * (2.1 + 0.37 * np.arange(16)[:, None])
)
_SMALLEST_PX = 0.7
_GUARD = 3.0
"""Polygons are cut where they lie further beside the view than this many focal lengths."""
_PLANES = (
    (0.0, 0.0, 1.0, -NEAR_M),
    (1.0, 0.0, _GUARD, 0.0),
    (-1.0, 0.0, _GUARD, 0.0),
    (0.0, 1.0, _GUARD, 0.0),
    (0.0, -1.0, _GUARD, 0.0),
)


@dataclass(frozen=True, kw_only=True, eq=False)
class Polygons:
    """P polygons in the order of drawing.

    Args:
        corners: float64 (P, CORNERS, 2), canvas positions.
        faces: int64 (P,), which face of the batch.
        owners: int64 (P,), which thing.
        extents: float64 (I, 4), x1 y1 x2 y2 of each thing's whole silhouette on the canvas; infinite where not in view.
        inner: float64 (I, 4), likewise of the part of the silhouette that lies on the canvas.
        distances: float64 (I,), from the camera to each thing's centre in m.
    """

    corners: Array
    faces: Indices
    owners: Indices
    extents: Array
    inner: Array
    distances: Array


def project_faces(batch: FaceBatch, view: View, light: Array) -> Polygons:
    """Polygons of everything in view.

    Args:
        batch: All faces.
        view: The canvas.
        light: float64 (3,), direction towards the main light in the body frame.
    """
    camera = view.camera
    distances = np.linalg.norm(batch.centres - camera.translation, axis=1)
    seen = _things_in_view(batch, view)
    faces = np.nonzero(seen[batch.owners])[0]
    optical = camera.to_optical(batch.vertices)
    first = batch.vertices[batch.faces[faces, 0]]
    facing = ((first - camera.translation) * batch.normals[faces]).sum(axis=1)
    faces = faces[(facing < 0.0) | (batch.kinds[faces] != Kind.POLYGON)]
    depth = optical[:, 2][batch.faces[faces]]
    flat = batch.kinds[faces] <= Kind.SHEET
    limbs = faces[~flat & (depth.min(axis=1) > NEAR_M)]
    shown, numbers = _canvas_polygons(optical[batch.faces[faces[flat]]], view)
    corners = np.concatenate([shown, _outlines(batch, view, optical, limbs, camera.rotation.T @ light)])
    faces = np.concatenate([faces[flat][numbers], limbs])
    owners = batch.owners[faces].astype(np.int64)
    low, high = corners.min(axis=1), corners.max(axis=1)
    extents = _extents(low, high, owners, len(batch.things))
    width, height = view.canvas_size
    inside = (low[:, 0] < width) & (low[:, 1] < height) & (high[:, 0] >= 0) & (high[:, 1] >= 0)
    kept = np.nonzero(inside & ((high - low).max(axis=1) > _SMALLEST_PX))[0]
    kept = kept[_order(batch, view, faces[kept], owners[kept], seen)]
    inner_low, inner_high = canvas_extents(corners, low, high, view.canvas_size)
    inner = _extents(inner_low, inner_high, owners, len(batch.things))
    return Polygons(
        inner=inner, corners=corners[kept], faces=faces[kept], owners=owners[kept], extents=extents, distances=distances
    )


def project_patches(patches: Array, view: View) -> tuple[Array, Indices]:
    """Two-sided body-frame polygons (n, CORNERS, 3) on the canvas (m, CORNERS, 2), and their numbers (m,)."""
    if not len(patches):
        return np.zeros((0, CORNERS, 2)), np.zeros(0, dtype=np.int64)
    optical = view.camera.to_optical(patches.reshape(-1, 3)).reshape(patches.shape)
    corners, numbers = _canvas_polygons(optical, view)
    low, high = corners.min(axis=1), corners.max(axis=1)
    width, height = view.canvas_size
    inside = (low[:, 0] < width) & (low[:, 1] < height) & (high[:, 0] >= 0) & (high[:, 1] >= 0)
    kept = np.nonzero(inside)[0]
    kept = kept[np.argsort(numbers[kept], kind="stable")]
    return corners[kept], numbers[kept]


def _canvas_polygons(optical: Array, view: View) -> tuple[Array, Indices]:
    """Flat optical-frame polygons (n, CORNERS, 3) on the canvas (m, CORNERS, 2), and their numbers (m,).

    Those that reach behind the near plane or very far beside the canvas are cut; the others are taken as they are.
    """
    depth = optical[..., 2]
    beside = np.abs(optical[..., :2]).max(axis=2) > _GUARD * depth
    to_cut = (depth <= NEAR_M).any(axis=1) | beside.any(axis=1)
    whole = np.nonzero(~to_cut)[0]
    partly = np.nonzero(to_cut & (depth > NEAR_M).any(axis=1))[0]
    pieces, numbers = [view.to_canvas(optical[whole])], [whole]
    for number in partly:
        piece = clipped(optical[number])
        if len(piece):
            pieces.append(view.to_canvas(piece[None]))
            numbers.append(np.array([number]))
    return np.concatenate(pieces), np.concatenate(numbers)


def clipped(polygon: Array) -> Array:
    """The part of a convex optical-frame polygon (CORNERS, 3) in front of the near plane and not far beside the view.

    Sutherland and Hodgman's method. The result has CORNERS corners again, or none.
    """
    points = [tuple(point) for point in polygon.tolist()]
    corners = [point for i, point in enumerate(points) if i == 0 or point != points[i - 1]]
    for a, b, c, d in _PLANES:
        kept: list[tuple[float, ...]] = []
        heights = [a * x + b * y + c * z + d for x, y, z in corners]
        for i, corner in enumerate(corners):
            before = heights[i - 1]
            if (heights[i] > 0.0) != (before > 0.0):
                share = before / (before - heights[i])
                kept.append(tuple(p + share * (q - p) for p, q in zip(corners[i - 1], corner, strict=True)))
            if heights[i] > 0.0:
                kept.append(corner)
        corners = kept
    if len(corners) < 3:
        return np.zeros((0, 3))
    if len(corners) > CORNERS:
        corners = [corners[i * len(corners) // CORNERS] for i in range(CORNERS)]
    return np.array(corners + [corners[-1]] * (CORNERS - len(corners)))


def _things_in_view(batch: FaceBatch, view: View) -> NDArray[np.bool_]:
    optical = view.camera.to_optical(batch.centres)
    k = view.camera.intrinsics
    reach_x = max(k[0, 2], view.camera.width - k[0, 2]) / k[0, 0]
    reach_y = max(k[1, 2], view.camera.height - k[1, 2]) / k[1, 1]
    x, y, z = optical.T
    spans = batch.spans
    seen: NDArray[np.bool_] = (
        (z > NEAR_M - spans)
        & (np.abs(x) - reach_x * z < spans * np.hypot(1.0, reach_x))
        & (np.abs(y) - reach_y * z < spans * np.hypot(1.0, reach_y))
    )
    return seen


def _outlines(batch: FaceBatch, view: View, optical: Array, faces: Indices, light: Array) -> Array:
    """Canvas outlines (n, CORNERS, 2) of capsules, their sheen, and leaves."""
    ends = optical[batch.faces[faces, :2]]
    place = view.to_canvas(ends)
    radius = view.focal_px * batch.radii[faces] / ends[..., 2]
    kinds = batch.kinds[faces]
    sheen = kinds == Kind.SHEEN
    towards = np.array([light[0], light[1]]) / max(1e-6, float(np.linalg.norm(light)))
    place = place + np.where(sheen, 0.42, 0.0)[:, None, None] * radius[..., None] * towards
    axis = place[:, 1] - place[:, 0]
    length = np.linalg.norm(axis, axis=1, keepdims=True)
    axis = np.where(length > 1e-6, axis / np.maximum(length, 1e-6), [1.0, 0.0])
    half = CORNERS // 2
    reach = np.repeat(radius, half, axis=1)
    centre = np.repeat(place, half, axis=1)
    along, across = reach * _OUTLINE_COS, reach * _OUTLINE_SIN
    outline = (
        centre
        + along[..., None] * axis[:, None, :]
        + across[..., None] * np.stack([-axis[:, 1], axis[:, 0]], axis=1)[:, None, :]
    )
    ragged = np.nonzero(kinds == Kind.LEAVES)[0]
    spread = radius[ragged, :1] * _RAGGED[faces[ragged] % 16]
    outline[ragged, :, 0] = place[ragged, :1, 0] + spread * np.cos(_ROUND)
    outline[ragged, :, 1] = place[ragged, :1, 1] + spread * np.sin(_ROUND)
    result: Array = outline
    return result


def canvas_extents(corners: Array, low: Array, high: Array, size: tuple[int, int]) -> tuple[Array, Array]:
    """Lowest and highest corner (P, 2) of the parts of convex polygons (P, CORNERS, 2) that lie on the canvas.

    `low` and `high` are those of the whole polygons, `size` is that of the canvas. Where nothing lies on it: inf, -inf.
    The part on the canvas is spanned by the polygon's corners there, the points where its edges cross the canvas'
    border, and the canvas' corners within the polygon.
    """
    border = np.array([[-0.5, -0.5], [size[0] - 0.5, size[1] - 0.5]])
    inner_low, inner_high = low.copy(), high.copy()
    numbers = np.nonzero(((low < border[0]) | (high > border[1])).any(axis=1))[0]
    if not len(numbers):
        return inner_low, inner_high
    start = corners[numbers]
    edge = np.roll(start, -1, axis=1) - start
    points = [start]
    for axis in (0, 1):
        slope = np.where(np.abs(edge[..., axis]) < 1e-9, np.inf, edge[..., axis])
        for line in border[:, axis]:
            share = (line - start[..., axis]) / slope
            crossing = start + share[..., None] * edge
            crossing[..., axis] = np.where((share >= 0.0) & (share <= 1.0) & np.isfinite(slope), line, np.inf)
            points.append(crossing)
    angles = border[[0, 1, 1, 0], 0], border[[0, 0, 1, 1], 1]
    square = np.stack(angles, axis=1)
    offset = square[None, :, None, :] - start[:, None, :, :]
    turn = edge[:, None, :, 0] * offset[..., 1] - edge[:, None, :, 1] * offset[..., 0]
    within: NDArray[np.bool_] = np.logical_or((turn >= 0.0).all(axis=2), (turn <= 0.0).all(axis=2))
    points.append(np.where(within[..., None], square[None], np.inf))
    candidates = np.concatenate(points, axis=1)
    beside = np.maximum(border[0] - candidates, candidates - border[1]).max(axis=2, keepdims=True)
    kept = beside <= 1e-6
    inner_low[numbers] = np.where(kept, candidates, np.inf).min(axis=1)
    inner_high[numbers] = np.where(kept, candidates, -np.inf).max(axis=1)
    return inner_low, inner_high


def _extents(low: Array, high: Array, owners: Indices, count: int) -> Array:
    extents = np.tile([np.inf, np.inf, -np.inf, -np.inf], (count, 1))
    if len(owners):
        order = np.argsort(owners, kind="stable")
        present, starts = np.unique(owners[order], return_index=True)
        extents[present, :2] = np.minimum.reduceat(low[order], starts, axis=0)
        extents[present, 2:] = np.maximum.reduceat(high[order], starts, axis=0)
    return extents


def _order(batch: FaceBatch, view: View, faces: Indices, owners: Indices, seen: NDArray[np.bool_]) -> Indices:
    """Back to front: by thing, then group, then convex part, then layer, then distance."""
    eye = view.camera.translation
    ranks = thing_ranks(batch, eye, seen)
    part = np.linalg.norm(batch.vertices[batch.anchors[faces]] - eye, axis=1)
    middle = batch.vertices[batch.faces[faces, 0]] + batch.vertices[batch.faces[faces, 2]]
    own = np.linalg.norm(middle / 2.0 - eye, axis=1)
    return np.lexsort((-own, batch.layers[faces], -part, batch.groups[faces], ranks[owners]))
