"""The sky of one drive and condition as a panorama, and its part that a camera sees."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from trt_perception.demo.condition import Condition
from trt_perception.demo.render.atmosphere import Atmosphere
from trt_perception.demo.render.noise_tile import fractal_noise
from trt_perception.demo.seeding import generator

Array = NDArray[np.float64]
Bytes = NDArray[np.uint8]

WIDTH = 1536
HEIGHT = 240
LOW_DEG = -4.0
HIGH_DEG = 46.0
_SKY = 52
_EVERY = 8


def sky_panorama(seed: int, air: Atmosphere) -> Bytes:
    """uint8 (HEIGHT, WIDTH, 3): rows from HIGH_DEG down to LOW_DEG, columns once round from world yaw 0 to the left."""
    elevation = np.linspace(HIGH_DEG, LOW_DEG, HEIGHT)[:, None]
    azimuth = np.linspace(0.0, 2.0 * np.pi, WIDTH, endpoint=False)[None, :]
    up = np.clip(elevation / 40.0, 0.0, 1.0)[..., None] ** 0.6
    colour = air.horizon + (air.zenith - air.horizon) * up
    colour = np.repeat(colour, WIDTH, axis=1)
    sun_yaw = np.arctan2(air.sun_direction[1], air.sun_direction[0])
    sun_up = np.arcsin(np.clip(air.sun_direction[2], -1.0, 1.0))
    e = np.radians(elevation)
    cosine = np.sin(e) * np.sin(sun_up) + np.cos(e) * np.cos(sun_up) * np.cos(azimuth - sun_yaw)
    if air.condition is Condition.DUSK:
        warm = np.clip((cosine + 0.4) / 1.4, 0.0, 1.0)[..., None] ** 2 * (1.0 - up)
        colour = colour * (1.0 - 0.45 * (1.0 - warm)) + warm * np.array([0.05, 0.12, 0.25])
    noise = fractal_noise(generator(seed, _SKY), WIDTH, HEIGHT, cells=(8, 5), octaves=6)
    cover = np.clip((noise - (0.78 - 0.55 * air.clouds)) * 4.0, 0.0, 1.0)[..., None]
    cover = cover * np.clip((elevation - 0.5) / 6.0, 0.0, 1.0)[..., None]
    light = air.horizon * (1.04 if air.condition is not Condition.NIGHT else 0.8)
    shade = np.clip(1.12 - 0.5 * np.roll(noise, 6, axis=0), 0.55, 1.08)[..., None]
    closed = air.condition in (Condition.RAIN, Condition.FOG)
    strength = 0.5 if closed else 0.85
    colour = colour + strength * cover * (light * shade - colour)
    if air.condition is Condition.FOG:
        veil = np.exp(-np.maximum(elevation, 0.0) / 25.0)[..., None]
        colour = colour + veil * (air.horizon - colour)
    if np.any(air.sun > 0.0):
        disc = np.clip((cosine - 0.9994) / 0.0003, 0.0, 1.0)[..., None]
        halo = np.clip(cosine, 0.0, 1.0)[..., None] ** 160 * 0.35
        colour = colour + (disc + halo) * np.clip(air.sun * 1.6, 0.0, 1.0)
    if air.condition is Condition.NIGHT:
        stars = generator(seed, _SKY, 1).random((HEIGHT, WIDTH)) > 0.9994
        colour[stars & (elevation > 3.0)] += 0.45 * (1.0 - air.strength * 0.3)
    colour = _hills(seed, air, colour, elevation)
    result: Bytes = np.rint(np.clip(colour, 0.0, 1.0) * 255.0).astype(np.uint8)
    return result


def _hills(seed: int, air: Atmosphere, colour: Array, elevation: Array) -> Array:
    """Two ridges far away, the farther one paler."""
    rng = generator(seed, _SKY, 2)
    turn = np.linspace(0.0, 2.0 * np.pi, WIDTH, endpoint=False)
    for height, fade in ((3.4, 0.75), (1.9, 0.5)):
        ridge = sum(
            float(rng.uniform(0.3, 1.0)) / k**0.8 * np.sin(k * turn + float(rng.uniform(0.0, 6.28)))
            for k in (2, 3, 5, 9, 17, 31)
        )
        crest = height * (0.55 + 0.28 * np.asarray(ridge))
        land = np.array([0.26, 0.32, 0.26]) * air.ground_light
        tone = land + fade * (air.horizon - land)
        if air.condition is Condition.FOG:
            tone = air.horizon
        row_deg = (HIGH_DEG - LOW_DEG) / (HEIGHT - 1)
        below = np.clip((crest[None, :] - elevation) / row_deg + 0.5, 0.0, 1.0)[..., None]
        colour = colour + below * (tone - colour)
    return colour


class SkyView:
    """Where each pixel of a camera looks in the panorama."""

    def __init__(self, rays: Array, forward: Array) -> None:
        """Args:
        rays: float64 (h, w, 3), body-frame directions of the pixels, unit.
        forward: float64 (3,), body-frame direction of the optical axis.
        """
        height, width = rays.shape[:2]
        # The maps are smooth: the angles of every eighth pixel will do. Azimuth counts from the optical axis, so that
        # it does not jump within the picture.
        coarse = rays[_grid(height)][:, _grid(width)]
        yaw = np.arctan2(forward[1], forward[0])
        turned_x = coarse[..., 0] * np.cos(yaw) + coarse[..., 1] * np.sin(yaw)
        turned_y = -coarse[..., 0] * np.sin(yaw) + coarse[..., 1] * np.cos(yaw)
        azimuth = yaw + np.arctan2(turned_y, turned_x)
        elevation = np.degrees(np.arcsin(np.clip(coarse[..., 2], -1.0, 1.0)))
        row = (HIGH_DEG - elevation) * ((HEIGHT - 1) / (HIGH_DEG - LOW_DEG))
        self._column = _spread(azimuth * (WIDTH / (2.0 * np.pi)), width, height)
        self._row = np.clip(_spread(row, width, height), 0.0, np.float32(HEIGHT - 1))
        above = np.nonzero((rays[..., 2] > np.sin(np.radians(LOW_DEG))).any(axis=1))[0]
        self._rows = int(above[-1]) + 1 if len(above) else 0

    def picture(self, panorama: Bytes, ego_yaw: float) -> Bytes:
        """uint8 (h, w, 3): the sky at the car's heading; below the horizon it means nothing."""
        height, width = self._row.shape
        picture = np.zeros((height, width, 3), dtype=np.uint8)
        if self._rows:
            shift = np.float32(np.mod(ego_yaw, 2.0 * np.pi) * WIDTH / (2.0 * np.pi))
            turns = (self._column[: self._rows] + shift) * np.float32(1.0 / WIDTH)
            column = (turns - np.floor(turns)) * np.float32(WIDTH)
            picture[: self._rows] = cv2.remap(
                panorama, column, self._row[: self._rows], cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP
            )
        return picture


def _grid(count: int) -> NDArray[np.int64]:
    """Every eighth pixel, and the last."""
    return np.unique(np.append(np.arange(0, count, _EVERY), count - 1))


def _spread(values: Array, width: int, height: int) -> NDArray[np.float32]:
    """Values at the grid, linearly in between, float32 (height, width)."""
    along = np.stack([np.interp(np.arange(width), _grid(width), row) for row in values])
    grid = _grid(height)
    row = np.arange(height)
    upper = np.clip(np.searchsorted(grid, row, side="right") - 1, 0, len(grid) - 2)
    share = ((row - grid[upper]) / (grid[upper + 1] - grid[upper]))[:, None]
    spread: NDArray[np.float32] = (along[upper] * (1.0 - share) + along[upper + 1] * share).astype(np.float32)
    return spread
