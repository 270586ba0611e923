"""All faces of one instant in the car's body frame, ready to be lit and projected."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trt_perception.demo.mesh.mesh import CORNERS
from trt_perception.demo.world.placed import Placed

Array = NDArray[np.float64]
Ints = NDArray[np.int32]


@dataclass(frozen=True, kw_only=True, eq=False)
class FaceBatch:
    """I things with V vertices and F faces together. As in Mesh, but in the body frame; and:

    Args:
        owners: int32 (F,), which thing a face belongs to.
        things: The things.
        centres: float64 (I, 3), middle of each thing's bounding box in m.
        spans: float64 (I,), half the diagonal of the bounding box in m.
        boxes: float64 (I, 8, 3), corners of the bounding box: four below, four above, each counter-clockwise.
        places: float64 (I, 2), x y of each thing's origin in m.
        powered: bool (F,), whether the lights of the thing are on.
    """

    vertices: Array
    faces: Ints
    kinds: Ints
    normals: Array
    radii: Array
    albedo: Array
    groups: Ints
    anchors: Ints
    layers: Ints
    glows: Ints
    heat: Array
    gloss: Array
    owners: Ints
    powered: NDArray[np.bool_]
    things: list[Placed]
    centres: Array
    spans: Array
    boxes: Array
    places: Array


def face_batch(things: list[Placed], ego: tuple[float, float, float]) -> FaceBatch:
    """The faces of all things around a car at `ego` (x, y in m, yaw in radians, in the world frame)."""
    meshes = [thing.mesh for thing in things]
    vertex_counts = np.array([len(mesh.vertices) for mesh in meshes])
    face_counts = np.array([len(mesh.faces) for mesh in meshes])
    starts = np.concatenate([[0], np.cumsum(vertex_counts)[:-1]])
    owners = np.repeat(np.arange(len(things), dtype=np.int32), face_counts)
    cos_ego, sin_ego = np.cos(ego[2]), np.sin(ego[2])
    x = np.array([thing.x for thing in things]) - ego[0]
    y = np.array([thing.y for thing in things]) - ego[1]
    yaw = np.array([thing.yaw for thing in things]) - ego[2]
    place = np.stack([cos_ego * x + sin_ego * y, -sin_ego * x + cos_ego * y], axis=1)
    cos, sin = np.cos(yaw), np.sin(yaw)
    local = np.concatenate([mesh.vertices for mesh in meshes])
    vertex_owner = np.repeat(np.arange(len(things)), vertex_counts)
    vertices = _turned(local, cos[vertex_owner], sin[vertex_owner])
    vertices[:, :2] += place[vertex_owner]
    normals = _turned(np.concatenate([mesh.normals for mesh in meshes]), cos[owners], sin[owners])
    low = np.minimum.reduceat(local, starts, axis=0)
    high = np.maximum.reduceat(local, starts, axis=0)
    corners = _box_corners(low, high)
    boxes = _turned(corners.reshape(-1, 3), np.repeat(cos, 8), np.repeat(sin, 8)).reshape(-1, 8, 3)
    boxes[..., :2] += place[:, None, :]
    offset = np.repeat(starts, face_counts).astype(np.int32)
    powered = np.repeat(np.array([thing.powered for thing in things], dtype=bool), face_counts)
    return FaceBatch(
        vertices=vertices,
        faces=np.concatenate([mesh.faces for mesh in meshes]) + offset[:, None],
        kinds=np.concatenate([mesh.kinds for mesh in meshes]),
        normals=normals,
        radii=np.concatenate([mesh.radii for mesh in meshes]),
        albedo=np.concatenate([mesh.albedo for mesh in meshes]),
        groups=np.concatenate([mesh.groups for mesh in meshes]),
        anchors=np.concatenate([mesh.anchors for mesh in meshes]) + offset,
        layers=np.concatenate([mesh.layers for mesh in meshes]),
        glows=np.concatenate([mesh.glows for mesh in meshes]),
        heat=np.concatenate([mesh.heat for mesh in meshes]),
        gloss=np.concatenate([mesh.gloss for mesh in meshes]),
        owners=owners,
        powered=powered,
        things=things,
        centres=boxes.mean(axis=1),
        spans=np.linalg.norm(high - low, axis=1) / 2.0 + 0.3,
        boxes=boxes,
        places=place,
    )


def patch_vertices(corners: Array, ego: tuple[float, float, float]) -> Array:
    """World ground points (..., 2) as body-frame points (..., 3) with z 0."""
    cos, sin = np.cos(ego[2]), np.sin(ego[2])
    x, y = corners[..., 0] - ego[0], corners[..., 1] - ego[1]
    return np.stack([cos * x + sin * y, -sin * x + cos * y, np.zeros_like(x)], axis=-1)


def padded(corners: Array) -> Array:
    """Polygons (n, k, 3) with k up to CORNERS, filled up with their last corner to (n, CORNERS, 3)."""
    missing = CORNERS - corners.shape[1]
    return np.concatenate([corners, np.repeat(corners[:, -1:], missing, axis=1)], axis=1)


def _turned(points: Array, cos: Array, sin: Array) -> Array:
    return np.stack(
        [cos * points[:, 0] - sin * points[:, 1], sin * points[:, 0] + cos * points[:, 1], points[:, 2]], axis=1
    )


def _box_corners(low: Array, high: Array) -> Array:
    x0, y0, z0, x1, y1, z1 = (*low.T, *high.T)
    rows = [
        (x0, y0, z0),
        (x1, y0, z0),
        (x1, y1, z0),
        (x0, y1, z0),
        (x0, y0, z1),
        (x1, y0, z1),
        (x1, y1, z1),
        (x0, y1, z1),
    ]
    return np.stack([np.stack(row, axis=1) for row in rows], axis=1)
