"""Light and shadow on the ground: a picture-sized factor for the pixels of the ground."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from trt_perception.demo.classes import CLASS_NAMES
from trt_perception.demo.mesh.mesh import CORNERS, Kind
from trt_perception.demo.render.atmosphere import Atmosphere
from trt_perception.demo.render.camera_maps import CameraMaps
from trt_perception.demo.render.face_batch import FaceBatch, padded
from trt_perception.demo.render.lighting import BEAM_LIGHT, LAMP_LIGHT
from trt_perception.demo.render.projection import project_patches
from trt_perception.demo.render.view import SCALE, SHIFT, View, fixed_point

Array = NDArray[np.float64]
Bytes = NDArray[np.uint8]

UNIT = 64.0
"""Level of the light map that stands for the base light of the ground."""
_SHADOW_REACH_M = 70.0
_LONGEST_SHADOW = 7.0
_POOLS = ((9.0, 40), (6.5, 90), (4.2, 160), (2.2, 230))
_LIMBS = 6  # faces of a plant or lamp that throw shadows: they begin with what is largest
_SIX = np.arange(6) * np.pi / 3.0
_RING = np.stack([np.cos(_SIX), np.sin(_SIX), np.zeros(6)], axis=1)
_CIRCLE = np.stack(
    [np.cos(np.arange(CORNERS) * 2 * np.pi / CORNERS), np.sin(np.arange(CORNERS) * 2 * np.pi / CORNERS)], axis=1
)


@dataclass(frozen=True, kw_only=True, eq=False)
class GroundMarks:
    """Polygons (n, CORNERS, 3) on the ground in the body frame: sun shadows, shade under things, pools of light."""

    shadows: Array
    contacts: Array
    pools: Array
    pool_levels: NDArray[np.int64]


def ground_marks(batch: FaceBatch, air: Atmosphere, sun: Array, lamps: Array) -> GroundMarks:
    """What the things of an instant do to the light on the ground."""
    near = np.linalg.norm(batch.centres[:, :2], axis=1) < _SHADOW_REACH_M
    footed = np.array([thing.class_id >= 0 for thing in batch.things], dtype=bool)
    shadows = np.zeros((0, CORNERS, 3))
    if np.any(air.sun > 0.0):
        shadows = _shadows(batch, np.nonzero(near)[0], sun)
    contacts = batch.boxes[near & footed, :4].copy()
    centre = contacts.mean(axis=1, keepdims=True)
    contacts = centre + (contacts - centre) * 1.12
    contacts[..., 2] = 0.0
    pools, levels = np.zeros((0, CORNERS, 3)), np.zeros(0, dtype=np.int64)
    if air.lights >= 0.5:
        pools, levels = _pools(batch, lamps)
    return GroundMarks(shadows=shadows, contacts=padded(contacts), pools=pools, pool_levels=levels)


def base_light(air: Atmosphere) -> Array:
    """float64 (3,): light that the ground is painted with; the light map is relative to it."""
    return np.maximum(air.ground_light, 0.30)


def light_map(view: View, maps: CameraMaps, air: Atmosphere, marks: GroundMarks) -> Bytes:
    """uint8 (h - top, w, 3): light on the ground over the base light, times UNIT."""
    width, height = (view.camera.width + 1) // 2, (view.camera.height + 1) // 2
    top = maps.top // 2
    ambient = air.ambient_up
    open_light = ambient + air.sun * max(0.0, float(air.sun_direction[2]))
    shadow = _drawn(view, marks.shadows, np.full(len(marks.shadows), 255), (width, height), blur=5)[top:]
    contact = _drawn(view, marks.contacts, np.full(len(marks.contacts), 150), (width, height), blur=9)[top:]
    # Light levels are looked up: factor = (ambient + open sun) x shade under things.
    shade = np.arange(256) / 255.0
    scale = UNIT / base_light(air)
    table = (open_light[None, :] + (ambient - open_light)[None, :] * shade[:, None]) * scale
    level = cv2.LUT(cv2.merge([shadow, shadow, shadow]), _table(table))
    keep = _table(np.repeat((1.0 - shade)[:, None], 3, axis=1) * 255.0)
    level = cv2.multiply(level, cv2.LUT(cv2.merge([contact, contact, contact]), keep), scale=1.0 / 255.0)
    if air.beam > 0.0:
        beam = air.beam * maps.beam[..., None] * (BEAM_LIGHT * scale)
        level = cv2.add(level, np.rint(np.clip(beam, 0.0, 255.0)).astype(np.uint8)[: level.shape[0]])
    if len(marks.pools):
        pool = _drawn(view, marks.pools, marks.pool_levels, (width, height), blur=31)[top:]
        lamp = _table((np.arange(256) / 255.0)[:, None] * (0.95 * air.lights * LAMP_LIGHT * scale)[None, :])
        level = cv2.add(level, cv2.LUT(cv2.merge([pool, pool, pool]), lamp))
    size = (view.camera.width, view.camera.height - maps.top)
    return cv2.resize(level, size, interpolation=cv2.INTER_LINEAR).astype(np.uint8, copy=False)


def _table(values: Array) -> Bytes:
    table: Bytes = np.rint(np.clip(values, 0.0, 255.0)).astype(np.uint8).reshape(256, 1, 3)
    return table


def _drawn(view: View, patches: Array, levels: NDArray[np.int64], size: tuple[int, int], *, blur: int) -> Bytes:
    """Patches filled with their levels at half the picture's size, in order, and smoothed."""
    image = np.zeros((size[1], size[0]), dtype=np.uint8)
    corners, numbers = project_patches(patches, view)
    small = fixed_point(corners / (2.0 * SCALE))
    for polygon, level in zip(small, levels[numbers].tolist(), strict=True):
        cv2.fillConvexPoly(image, polygon, int(level), 8, SHIFT)
    return cv2.GaussianBlur(image, (blur, blur), 0).astype(np.uint8, copy=False) if len(numbers) else image


def _shadows(batch: FaceBatch, things: NDArray[np.int64], sun: Array) -> Array:
    """Convex shadows on the ground: of the box for most things, of trunk and crown or post and arm for the others."""
    slope = sun[:2] / max(float(sun[2]), 1.0 / _LONGEST_SHADOW)
    starts = np.searchsorted(batch.owners, things)
    polygons = []
    for number, start in zip(things, starts, strict=True):
        thing = batch.things[number]
        if thing.class_id >= 0 or thing.backdrop:
            polygons.append(_hull(batch.boxes[number], slope))
            continue
        for face in range(start, min(start + _LIMBS, len(batch.owners))):
            if batch.owners[face] == number and batch.kinds[face] in (Kind.CAPSULE, Kind.LEAVES):
                ends = batch.vertices[batch.faces[face, :2]]
                rings = ends[:, None, :] + batch.radii[face][:, None, None] * _RING
                polygons.append(_hull(rings.reshape(-1, 3), slope))
    return np.array(polygons).reshape(-1, CORNERS, 3)


def _hull(points: Array, slope: Array) -> Array:
    """The shadow (CORNERS, 3) of a convex body given by up to CORNERS points."""
    height = np.maximum(points[:, 2:], 0.0)
    flat = (points[:, :2] - height * slope).astype(np.float32)
    hull = cv2.convexHull(flat)[:, 0].astype(np.float64)
    shadow = np.zeros((CORNERS, 3))
    shadow[: len(hull), :2] = hull
    shadow[len(hull) :, :2] = hull[-1]
    return shadow


def _pools(batch: FaceBatch, lamps: Array) -> tuple[Array, NDArray[np.int64]]:
    """Rings of light under street lamps and before the head lights of vehicles, dim ones first."""
    near = lamps[np.linalg.norm(lamps[:, :2], axis=1) < _SHADOW_REACH_M] if len(lamps) else lamps
    polygons, levels = [], []
    fans = _fans(batch)
    for radius, level in _POOLS:
        rings = np.zeros((len(near), CORNERS, 3))
        rings[..., :2] = near[:, None, :2] + radius * _CIRCLE
        polygons.append(rings)
        levels.append(np.full(len(near), level, dtype=np.int64))
        if level == 90:
            polygons.append(fans)
            levels.append(np.full(len(fans), 110, dtype=np.int64))
    return np.concatenate(polygons), np.concatenate(levels)


def _fans(batch: FaceBatch) -> Array:
    """The lit road before each driving vehicle."""
    vehicles = ("car", "truck", "bus")
    fans = []
    for number, thing in enumerate(batch.things):
        if thing.powered and thing.class_id >= 0 and CLASS_NAMES[thing.class_id] in vehicles:
            box = batch.boxes[number, :4]
            ahead = (box[1] - box[0]) / max(float(np.linalg.norm(box[1] - box[0])), 1e-6)
            side = (box[3] - box[0]) / 2.0
            nose = (box[1] + box[2]) / 2.0
            fans.append([nose - side, nose + 9.0 * ahead - 2.0 * side, nose + 9.0 * ahead + 2.0 * side, nose + side])
    if not fans:
        return np.zeros((0, CORNERS, 3))
    flat = np.array(fans)
    flat[..., 2] = 0.0
    return padded(flat)
