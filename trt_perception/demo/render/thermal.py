"""The thermal picture: what is warm is bright, by day as by night."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from trt_perception.demo.classes import CLASS_NAMES
from trt_perception.demo.mesh.mesh import Glow
from trt_perception.demo.render.atmosphere import Atmosphere
from trt_perception.demo.render.camera_maps import CameraMaps
from trt_perception.demo.render.face_batch import FaceBatch
from trt_perception.demo.render.slots import GROUND_TABLE, LEVEL_M, SKY
from trt_perception.demo.world.ground import Material

Array = NDArray[np.float64]
Bytes = NDArray[np.uint8]

_VEHICLES = tuple(CLASS_NAMES.index(name) for name in ("car", "truck", "bus"))
_GROUND_HEAT = {
    Material.GRASS: 0.20,
    Material.PAVEMENT: 0.31,
    Material.KERB: 0.30,
    Material.ASPHALT: 0.36,
    Material.PAINT: 0.33,
    Material.LANE_LINE: 0.33,
    Material.CYCLE_LANE: 0.35,
}


def thermal_colours(batch: FaceBatch, air: Atmosphere) -> Bytes:
    """uint8 (F, 3): warmth of every face as grey."""
    heat = batch.heat.copy()
    vehicle = np.array([thing.class_id in _VEHICLES for thing in batch.things], dtype=bool)[batch.owners]
    heat[vehicle & batch.powered] += 0.16
    # The engine: what lies low at the front of a vehicle that runs.
    front = batch.boxes[:, 1, :2] - batch.boxes[:, 0, :2]
    front = front / np.maximum(np.linalg.norm(front, axis=1, keepdims=True), 1e-6)
    middle = (batch.vertices[batch.faces[:, 0]] + batch.vertices[batch.faces[:, 2]]) / 2.0
    ahead = ((middle[:, :2] - batch.places[batch.owners]) * front[batch.owners]).sum(axis=1)
    hood = vehicle & batch.powered & (ahead > 0.9) & (middle[:, 2] < 1.1)
    heat[hood] += 0.22
    lit = batch.powered & ((batch.glows == Glow.HEADLIGHT) | (batch.glows == Glow.TAIL_LIGHT))
    heat[lit & (air.lights > 0.0)] += 0.15
    sunny = float(np.mean(air.sun)) * 0.10
    heat = heat + sunny * np.maximum(batch.normals[:, 2], 0.0) + 0.05 * batch.normals[:, 2]
    grey = np.rint(np.clip(heat, 0.0, 1.0) * 235.0).astype(np.uint8)
    return np.repeat(grey[:, None], 3, axis=1)


def thermal_ground(materials: NDArray[np.int32], air: Atmosphere) -> Bytes:
    """uint8 (n, 4): warmth of the patches as grey, and their slots."""
    table = np.zeros(max(Material) + 1)
    for material, heat in _GROUND_HEAT.items():
        table[material] = heat
    warm = table[materials] * (0.85 + 0.35 * float(np.mean(air.sun))) * (1.0 - 0.25 * air.wetness)
    grey = np.rint(np.clip(warm, 0.0, 1.0) * 235.0).astype(np.uint8)
    return np.column_stack([grey, grey, grey, materials]).astype(np.uint8)


def thermal_picture(picture: Bytes, slots: Bytes, maps: CameraMaps, air: Atmosphere, distances: Array) -> Bytes:
    """uint8 (h, w): the drawn warmth with the air in between; fog dims warmth far less than light."""
    grey = np.ascontiguousarray(picture[..., 0])
    loss = air.extinction * 0.18
    share = np.rint(255.0 * np.exp(-loss * distances)).astype(np.uint8)
    share[SKY] = 255
    clear = cv2.LUT(slots, share)
    ground = cv2.LUT(maps.level, np.rint(255.0 * np.exp(-loss * LEVEL_M)).astype(np.uint8))
    cv2.copyTo(ground, cv2.LUT(slots[maps.top :], GROUND_TABLE), clear[maps.top :])
    veil = np.rint((255.0 - np.arange(256.0)) * 0.22).astype(np.uint8)
    return cv2.add(cv2.multiply(grey, clear, scale=1.0 / 255.0), cv2.LUT(clear, veil)).astype(np.uint8, copy=False)
