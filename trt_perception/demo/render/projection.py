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


@dataclass(frozen=True, kw_only=True, eq=False)
class Polygons:
    """P polygons in the order of drawing.

    Args:
        corners: float64 (P, CORNERS, 2), canvas positions.
        faces: int64 (P,), which face of the batch.
        owners: int64 (P,), which thing.
        extents: float64 (I, 4), x1 y1 x2 y2 of each thing's whole silhouette on the canvas; infinite where not in view.
        distances: float64 (I,), from the camera to each thing's centre in m.
    """

    corners: Array
    faces: Indices
    owners: Indices
    extents: Array
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
    ahead = depth.min(axis=1) > NEAR_M
    crossing = flat & ~ahead & (depth.max(axis=1) > NEAR_M)
    plain, limbs, cut = faces[flat & ahead], faces[~flat & ahead], faces[crossing]
    corners = np.concatenate(
        [
            view.to_canvas(optical[batch.faces[plain]]),
            _outlines(batch, view, optical, limbs, camera.rotation.T @ light),
            *[view.to_canvas(clipped(optical[batch.faces[face]])[None]) for face in cut],
        ]
    )
    faces = np.concatenate([plain, limbs, cut])
    owners = batch.owners[faces].astype(np.int64)
    low, high = corners.min(axis=1), corners.max(axis=1)
    extents = _extents(low, high, owners, len(batch.things))
    width, height = view.canvas_size
    inside = (low[:, 0] < width) & (low[:, 1] < height) & (high[:, 0] >= 0) & (high[:, 1] >= 0)
    kept = np.nonzero(inside & ((high - low).max(axis=1) > _SMALLEST_PX))[0]
    kept = kept[_order(batch, view, faces[kept], owners[kept])]
    return Polygons(corners=corners[kept], faces=faces[kept], owners=owners[kept], extents=extents, distances=distances)


def project_patches(patches: Array, view: View) -> tuple[Array, Indices]:
    """Body-frame polygons (n, CORNERS, 3), seen from both sides, as canvas polygons (m, CORNERS, 2) and their numbers (m,)."""
    if not len(patches):
        return np.zeros((0, CORNERS, 2)), np.zeros(0, dtype=np.int64)
    optical = view.camera.to_optical(patches.reshape(-1, 3)).reshape(patches.shape)
    depth = optical[..., 2]
    ahead = depth.min(axis=1) > NEAR_M
    crossing = np.nonzero(~ahead & (depth.max(axis=1) > NEAR_M))[0]
    whole = np.nonzero(ahead)[0]
    corners = np.concatenate(
        [view.to_canvas(optical[whole]), *[view.to_canvas(clipped(optical[number])[None]) for number in crossing]]
    )
    numbers = np.concatenate([whole, crossing])
    low, high = corners.min(axis=1), corners.max(axis=1)
    width, height = view.canvas_size
    inside = (low[:, 0] < width) & (low[:, 1] < height) & (high[:, 0] >= 0) & (high[:, 1] >= 0)
    kept = np.nonzero(inside)[0]
    kept = kept[np.argsort(numbers[kept], kind="stable")]
    return corners[kept], numbers[kept]


def clipped(polygon: Array) -> Array:
    """The part of a convex optical-frame polygon (CORNERS, 3) in front of the near plane, again CORNERS corners."""
    result: list[Array] = []
    previous = polygon[-1]
    for corner in polygon:
        if (corner[2] > NEAR_M) != (previous[2] > NEAR_M):
            share = (NEAR_M - previous[2]) / (corner[2] - previous[2])
            result.append(previous + share * (corner - previous))
        if corner[2] > NEAR_M:
            result.append(corner)
        previous = corner
    array = np.array(result)
    # Repeated padding corners are dropped before the polygon is filled up again; a cut adds at most one corner.
    distinct = array[np.append(True, np.any(np.diff(array, axis=0) != 0.0, axis=1))][:CORNERS]
    return np.concatenate([distinct, np.repeat(distinct[-1:], CORNERS - len(distinct), axis=0)])


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
    return outline


def _extents(low: Array, high: Array, owners: Indices, count: int) -> Array:
    extents = np.tile([np.inf, np.inf, -np.inf, -np.inf], (count, 1))
    if len(owners):
        order = np.argsort(owners, kind="stable")
        present, starts = np.unique(owners[order], return_index=True)
        extents[present, :2] = np.minimum.reduceat(low[order], starts, axis=0)
        extents[present, 2:] = np.maximum.reduceat(high[order], starts, axis=0)
    return extents


def _order(batch: FaceBatch, view: View, faces: Indices, owners: Indices) -> Indices:
    """Back to front: by thing, then group, then convex part, then layer, then distance."""
    eye = view.camera.translation
    ranks = thing_ranks(batch, eye)
    part = np.linalg.norm(batch.vertices[batch.anchors[faces]] - eye, axis=1)
    middle = batch.vertices[batch.faces[faces, 0]] + batch.vertices[batch.faces[faces, 2]]
    own = np.linalg.norm(middle / 2.0 - eye, axis=1)
    return np.lexsort((-own, batch.layers[faces], -part, batch.groups[faces], ranks[owners]))
