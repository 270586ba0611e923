"""What lies between the scene and the lens: haze, wet mirrors, shine of lights, sun glare, rain."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from trt_perception.demo.mesh.mesh import Glow
from trt_perception.demo.render.atmosphere import Atmosphere
from trt_perception.demo.render.camera_maps import CameraMaps
from trt_perception.demo.render.face_batch import FaceBatch
from trt_perception.demo.render.slots import GROUND_TABLE, LEVEL_M, MIRROR_TABLE, SKY
from trt_perception.demo.render.view import View

Array = NDArray[np.float64]
Bytes = NDArray[np.uint8]

_SKY_TABLE: Bytes = np.where(np.arange(256) == SKY, 255, 0).astype(np.uint8)
_SHINE: dict[Glow, tuple[tuple[float, float, float], float]] = {
    Glow.HEADLIGHT: ((1.0, 0.97, 0.92), 0.20),
    Glow.TAIL_LIGHT: ((0.10, 0.06, 0.95), 0.15),
    Glow.LAMP: ((0.55, 0.80, 1.0), 0.36),
}


def haze(picture: Bytes, slots: Bytes, maps: CameraMaps, air: Atmosphere, distances: Array) -> Bytes:
    """The picture (h, w, 3) with the air's colour mixed in by distance.

    Args:
        picture: uint8 (h, w, 3).
        slots: uint8 (h, w).
        maps: Maps of the view.
        air: Air of the instant.
        distances: float64 (256,), distance of each slot in m; that of the ground comes from the maps.
    """
    share = _share(np.exp(-air.extinction * distances))
    share[SKY] = 255
    clear = cv2.LUT(slots, share)
    ground = cv2.LUT(maps.level, _share(np.exp(-air.extinction * LEVEL_M)))
    below = slots[maps.top :]
    cv2.copyTo(ground, cv2.LUT(below, GROUND_TABLE), clear[maps.top :])
    # A sky pixel at an edge holds some of what lies beneath it, so it fades like that.
    edge = cv2.erode(clear, np.ones((3, 1), dtype=np.uint8))
    cv2.copyTo(edge, cv2.LUT(slots, _SKY_TABLE), clear)
    clear3 = cv2.merge([clear, clear, clear])
    veil = (255.0 - np.arange(256.0))[:, None] * air.horizon[None, :]
    table = np.rint(np.clip(veil, 0.0, 255.0)).astype(np.uint8).reshape(256, 1, 3)
    dimmed = cv2.multiply(picture, clear3, scale=1.0 / 255.0)
    return cv2.add(dimmed, cv2.LUT(clear3, table)).astype(np.uint8, copy=False)


def wet_ground(picture: Bytes, slots: Bytes, maps: CameraMaps, air: Atmosphere, puddles: Bytes) -> Bytes:
    """Mirrors what stands above the horizon in the ground below it, smeared downwards.

    Args:
        picture: uint8 (h, w, 3).
        slots: uint8 (h, w).
        maps: Maps of the view.
        air: Air of the instant.
        puddles: uint8 (h - top, w), 0 rough to 255 smooth.
    """
    height = picture.shape[0]
    top = maps.top
    rows = np.clip(2 * top - np.arange(top, height), 0, height - 1)
    mirrored = np.ascontiguousarray(picture[rows])
    # The foot of a thing stands below the horizon, so its mirror image does too: smear both downwards.
    smeared = cv2.blur(picture, (3, 41))[top:]
    reflection = cv2.addWeighted(cv2.blur(mirrored, (5, 25)), 0.625, smeared, 0.375, 0.0)
    # Flat angles mirror more (Fresnel).
    flat = _share(air.wetness * (0.16 + 0.60 / (1.0 + (9.0 / np.maximum(LEVEL_M, 0.5)) ** 1.3)))
    share = cv2.multiply(cv2.LUT(maps.level, flat), puddles, scale=1.0 / 200.0)
    share = cv2.multiply(share, cv2.LUT(slots[top:], MIRROR_TABLE), scale=1.0 / 255.0)
    share3 = cv2.merge([share, share, share])
    result = picture.copy()
    keep = cv2.multiply(picture[top:], cv2.bitwise_not(share3), scale=1.0 / 255.0)
    result[top:] = cv2.add(keep, cv2.multiply(reflection, share3, scale=1.0 / 255.0))
    return result


def shine(
    picture: Bytes, slots: Bytes, batch: FaceBatch, view: View, air: Atmosphere, slot_of: NDArray[np.int64]
) -> Bytes:
    """Halos round lit lamps, and their long streaks on a wet road."""
    camera = view.camera
    small = np.zeros((camera.height // 4, camera.width // 4, 3), dtype=np.uint8)
    streaks = np.zeros_like(small) if air.wetness > 0.3 or air.condition.value == "night" else None
    drawn = 0
    for glow, (colour, size_m) in _SHINE.items():
        if glow is Glow.LAMP and air.lights < 0.5:
            continue
        faces = np.nonzero((batch.glows == glow) & (batch.powered | (glow is Glow.LAMP)))[0]
        middle = (batch.vertices[batch.faces[faces, 0]] + batch.vertices[batch.faces[faces, 2]]) / 2.0
        seen = np.ones(len(faces), dtype=bool) if glow is Glow.LAMP else _facing(batch, faces, camera.translation)
        pixels, depth = camera.project(middle)
        for (u, v), z, owner in zip(pixels[seen], depth[seen], batch.owners[faces][seen], strict=True):
            column, row = round(float(u)), round(float(v))
            if z < 0.5 or not (0 <= column < camera.width and 0 <= row < camera.height):
                continue
            if slots[row, column] != slot_of[owner]:
                continue
            radius = max(1.2, 0.25 * float(camera.intrinsics[0, 0]) * size_m / float(z))
            level = 255.0 * air.lights * float(np.exp(-air.extinction * z))
            shade = tuple(level * part for part in colour)
            cv2.circle(small, (round(float(u) * 4.0), round(float(v) * 4.0)), round(radius * 16.0), shade, -1, 8, 4)
            if streaks is not None:
                foot = row / 4.0 + 0.25 * 1.2 * float(camera.intrinsics[0, 0]) / float(z)
                cv2.line(streaks, (column // 4, int(foot)), (column // 4, int(foot + 14.0 + 60.0 / float(z))),
                         tuple(0.5 * part for part in shade), max(1, int(radius)))  # fmt: skip
            drawn += 1
    if not drawn:
        return picture
    glow_map = cv2.addWeighted(
        cv2.GaussianBlur(small, (5, 5), 0), 0.8125, cv2.GaussianBlur(small, (25, 25), 0), 0.875, 0.0
    )
    light = cv2.resize(glow_map, (camera.width, camera.height), interpolation=cv2.INTER_LINEAR)
    if streaks is not None:
        wide = cv2.resize(
            cv2.GaussianBlur(streaks, (3, 15), 0), (camera.width, camera.height), interpolation=cv2.INTER_LINEAR
        )
        ground = cv2.LUT(slots, GROUND_TABLE)
        wide = cv2.bitwise_and(wide, cv2.merge([ground, ground, ground]))
        light = cv2.add(light, cv2.multiply(wide, np.ones(4), scale=0.35 + 0.6 * air.wetness))
    return cv2.add(picture, light).astype(np.uint8, copy=False)


def sun_glare(picture: Bytes, slots: Bytes, view: View, air: Atmosphere, sun: Array) -> Bytes:
    """Bloom round the sun, a veil over the picture, and ghosts of the lens; weak where something hides the sun."""
    camera = view.camera
    ahead = camera.rotation.T @ sun
    toward = float(ahead[2])
    veil = air.glare * max(0.0, toward) ** 3
    if veil < 0.01:
        return picture
    k = camera.intrinsics
    z = max(toward, 0.05)
    u, v = k[0, 0] * ahead[0] / z + k[0, 2], k[1, 1] * ahead[1] / z + k[1, 2]
    height, width = camera.height // 4, camera.width // 4
    x = np.arange(width)[None, :] * 4.0 + 1.5 - u
    y = np.arange(height)[:, None] * 4.0 + 1.5 - v
    distance = np.sqrt(x * x + y * y) / width * 0.25
    hidden = 1.0
    column, row = round(float(u)), round(float(v))
    if 0 <= column < camera.width and 0 <= row < camera.height and slots[row, column] != SKY:
        hidden = 0.2
    glow = hidden * (1.15 * np.exp(-((distance / 0.045) ** 1.2)) + 0.62 * np.exp(-distance / 0.17)) + 0.20
    angle = np.arctan2(y, x)
    rays = 1.0 + 0.16 * hidden * np.cos(6.0 * angle + 0.7) * np.exp(-distance / 0.15)
    light = np.clip(glow * rays * veil, 0.0, 1.0)[..., None] * np.array([0.80, 0.93, 1.0]) * 255.0
    small = np.rint(light).astype(np.uint8)
    centre = np.array([camera.width / 2.0, camera.height / 2.0])
    for share, radius, colour in (
        (0.45, 16, (30, 60, 25)),
        (1.25, 26, (50, 30, 22)),
        (1.6, 11, (26, 40, 60)),
        (1.9, 34, (26, 24, 14)),
    ):
        ghost = np.zeros_like(small)
        place = (np.array([u, v]) + (centre - np.array([u, v])) * share) / 4.0
        cv2.circle(
            ghost,
            (round(float(place[0])), round(float(place[1]))),
            radius,
            tuple(int(part * veil * hidden) for part in colour),
            -1,
        )
        small = cv2.add(small, cv2.blur(ghost, (5, 5))).astype(np.uint8, copy=False)
    full = cv2.resize(small, (camera.width, camera.height), interpolation=cv2.INTER_LINEAR)
    flat = cv2.convertScaleAbs(picture, alpha=round(256.0 * (1.0 - 0.35 * veil)) / 256.0, beta=0.0)
    return cv2.add(flat, full).astype(np.uint8, copy=False)


def rainfall(picture: Bytes, rng: np.random.Generator, amount: float) -> Bytes:
    """Streaks of falling rain, and drops on the lens that bend and blur what lies behind them."""
    height, width = picture.shape[:2]
    scale = height / 544.0
    streaks = np.zeros((height, width), dtype=np.uint8)
    count = int(650 * amount)
    places = rng.uniform(0.0, 1.0, (count, 2)) * [width, height]
    lengths = rng.uniform(8.0, 34.0, count) * scale
    slant = float(rng.uniform(-0.22, 0.22))
    levels = rng.integers(50, 150, count)
    ends = places + np.stack([lengths * slant, lengths], axis=1)
    for start, end, level in zip(
        np.rint(places * 16).astype(int).tolist(), np.rint(ends * 16).astype(int).tolist(), levels.tolist(), strict=True
    ):
        cv2.line(streaks, start, end, level, 1, 8, 4)
    light = cv2.multiply(cv2.merge([cv2.blur(streaks, (2, 5))] * 3), np.ones(4), scale=0.62)
    wet = cv2.add(picture, light).astype(np.uint8, copy=False)
    drops = np.zeros((height, width), dtype=np.uint8)
    for x, y, size, level in zip(*(rng.uniform(0.0, 1.0, (4, int(26 * amount)))), strict=True):
        radius = (3.0 + 11.0 * size * size) * scale
        axes = (round(radius * 16 * 0.85), round(radius * 16 * 1.15))
        cv2.ellipse(drops, ((x * width, y * height), (axes[0] / 8.0, axes[1] / 8.0), 0.0), 140 + int(100 * level), -1)
    soft = cv2.GaussianBlur(drops, (7, 7), 0)
    bent = cv2.convertScaleAbs(cv2.blur(cv2.flip(wet, 0), (21, 21)), alpha=1.0625, beta=4.0)
    share = cv2.merge([soft] * 3)
    outside = cv2.multiply(wet, cv2.bitwise_not(share), scale=1.0 / 255.0)
    return cv2.add(outside, cv2.multiply(bent, share, scale=1.0 / 255.0)).astype(np.uint8, copy=False)


def _facing(batch: FaceBatch, faces: NDArray[np.int64], eye: Array) -> NDArray[np.bool_]:
    first = batch.vertices[batch.faces[faces, 0]]
    facing: NDArray[np.bool_] = ((first - eye) * batch.normals[faces]).sum(axis=1) < 0.0
    return facing


def _share(values: Array) -> Bytes:
    share: Bytes = np.rint(np.clip(values, 0.0, 1.0) * 255.0).astype(np.uint8)
    return share
