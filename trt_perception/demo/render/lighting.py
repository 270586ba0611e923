"""How much light each face sends to the eye."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from trt_perception.demo.mesh.mesh import Glow, Kind
from trt_perception.demo.render.atmosphere import Atmosphere
from trt_perception.demo.render.face_batch import FaceBatch
from trt_perception.demo.render.shade import shaded_things

Array = NDArray[np.float64]

LAMP_LIGHT = np.array([0.42, 0.66, 0.86])
BEAM_LIGHT = np.array([0.94, 0.98, 1.0])
_LAMP_REACH_M = 26.0
_EMISSION: dict[Glow, tuple[float, float, float]] = {
    Glow.HEADLIGHT: (1.0, 1.0, 1.0),
    Glow.TAIL_LIGHT: (0.12, 0.10, 1.0),
    Glow.WINDOW: (0.42, 0.70, 0.92),
    Glow.LAMP: (0.72, 0.92, 1.0),
}


def lit_colours(batch: FaceBatch, air: Atmosphere, sun: Array, lamps: Array) -> NDArray[np.uint8]:
    """uint8 (F, 3): BGR of every face, before the air between it and the camera.

    Args:
        batch: All faces.
        air: Light of the instant.
        sun: float64 (3,), direction to the sun in the body frame.
        lamps: float64 (L, 3), street lamps in the body frame.
    """
    normals = batch.normals
    bare = (batch.kinds == Kind.CAPSULE) | (batch.kinds == Kind.SHEEN)
    up = np.where(bare, 0.15, normals[:, 2])
    share = (up * 0.5 + 0.5)[:, None]
    light = air.ambient_down + (air.ambient_up - air.ambient_down) * share
    towards = np.where(bare, 0.45, normals @ sun)
    sheet = batch.kinds == Kind.SHEET
    towards = np.where(sheet, np.abs(towards), towards)
    leaves = batch.kinds == Kind.LEAVES
    towards = np.where(leaves, 0.35 + 0.65 * towards, towards)
    if np.any(air.sun > 0.0):
        open_sky = np.where(shaded_things(batch, sun), 0.1, 1.0)[batch.owners]
        light = light + (open_sky * np.maximum(towards, 0.0))[:, None] * air.sun
    middle = (batch.vertices[batch.faces[:, 0]] + batch.vertices[batch.faces[:, 2]]) / 2.0
    if air.beam > 0.0:
        light = light + _beam(middle, normals, bare | leaves)[:, None] * (air.beam * BEAM_LIGHT)
    if air.lights > 0.3 and len(lamps):
        light = light + _lamp_light(middle, normals, bare | leaves, lamps)[:, None] * (air.lights * LAMP_LIGHT)
    colour = batch.albedo * light
    sky = 0.75 * air.horizon + 0.25 * air.zenith
    colour = colour + batch.gloss[:, None] * np.clip(0.55 + 0.45 * normals[:, 2], 0.0, 1.0)[:, None] * sky
    colour = np.maximum(colour, _emission(batch, air))
    result: NDArray[np.uint8] = np.rint(np.clip(colour, 0.0, 1.0) * 255.0).astype(np.uint8)
    return result


def lamp_positions(batch: FaceBatch) -> Array:
    """float64 (L, 3): street lamps in the body frame."""
    lamps = np.nonzero((batch.glows == Glow.LAMP) & (batch.kinds == Kind.CAPSULE))[0]
    positions: Array = batch.vertices[batch.faces[lamps, 0]]
    return positions


def beam_on_ground(x: Array, y: Array) -> Array:
    """Light of the car's own low beam on the ground at body-frame x, y in m, 0 to 1."""
    ahead = np.maximum(x - 2.2, 0.0)
    spread = 1.6 + 0.36 * ahead
    near = 1.0 - np.exp(-ahead / 2.5)
    reach = 1.0 / (1.0 + (ahead / 17.0) ** 2)
    beam: Array = near * reach * np.exp(-((y / spread) ** 2)) * 1.25
    return beam


def _beam(position: Array, normals: Array, round_: NDArray[np.bool_]) -> Array:
    ahead = np.maximum(position[:, 0] - 2.0, 0.0)
    spread = 2.0 + 0.40 * ahead
    towards = np.where(round_, 0.75, np.maximum(0.12, -normals[:, 0]))
    cut_off = np.exp(-np.maximum(position[:, 2] - 1.0, 0.0) / 0.8)
    light: Array = (
        1.5
        * (ahead > 0.0)
        * towards
        * np.exp(-((position[:, 1] / spread) ** 2))
        / (1.0 + (ahead / 20.0) ** 2)
        * (0.25 + 0.75 * cut_off)
    )
    return light


def _lamp_light(position: Array, normals: Array, round_: NDArray[np.bool_], lamps: Array) -> Array:
    total = np.zeros(len(position))
    for lamp in lamps:
        offset = lamp - position
        distance = np.linalg.norm(offset, axis=1)
        near = np.nonzero(distance < _LAMP_REACH_M)[0]
        if not len(near):
            continue
        unit = offset[near] / np.maximum(distance[near], 0.3)[:, None]
        facing = np.where(round_[near], 0.6, np.maximum(0.0, (unit * normals[near]).sum(axis=1)))
        total[near] += facing * np.maximum(0.0, unit[:, 2] + 0.1) / (0.5 + (distance[near] / 9.0) ** 2)
    return total


def _emission(batch: FaceBatch, air: Atmosphere) -> Array:
    emission = np.zeros_like(batch.albedo)
    if air.lights <= 0.0:
        emission[batch.glows == Glow.INDICATOR] = 0.85
        return emission * batch.albedo
    for glow, colour in _EMISSION.items():
        level = air.lights if glow is not Glow.WINDOW else max(0.0, air.lights - 0.3) / 0.7 * 0.8
        if glow is Glow.LAMP and air.lights < 0.5:
            level = 0.0
        lit = (batch.glows == glow) & (batch.powered | (glow is Glow.LAMP) | (glow is Glow.WINDOW))
        emission[lit] = np.array(colour) * level
    windows = batch.glows == Glow.WINDOW
    # Windows differ: the tint follows the face number.
    emission[windows] *= (0.55 + 0.45 * np.modf(np.nonzero(windows)[0] * 0.618033988749895)[0])[:, None]
    signs = (batch.glows == Glow.SIGN) | (batch.glows == Glow.INDICATOR)
    emission[signs] = batch.albedo[signs] * 0.95
    return emission
