"""The grain of asphalt, paving stones and grass."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from trt_perception.demo.render.camera_maps import CameraMaps
from trt_perception.demo.render.noise_tile import fractal_noise
from trt_perception.demo.seeding import generator
from trt_perception.demo.world.ground import Material

Array = NDArray[np.float64]
Bytes = NDArray[np.uint8]

SIZE = 1024
FINE_M = 12.8
COARSE_M = 96.0
_GRAIN = 53
VARIANTS = 6
_PAVED = (Material.PAVEMENT, Material.KERB)


@lru_cache(maxsize=VARIANTS)
def ground_texture(variant: int) -> GroundTexture:
    """One of VARIANTS sets of tiles, made once in a process."""
    return GroundTexture(variant)


class GroundTexture:
    """Tiles for asphalt, paving and grass.

    Args:
        variant: Which of them.
    """

    def __init__(self, variant: int) -> None:
        rng = generator(_GRAIN, variant)
        self._fine = _fine_tile(rng)
        self._coarse = _coarse_tile(rng)

    def grain(self, maps: CameraMaps, ego: tuple[float, float, float], slots: Bytes) -> Bytes:
        """uint8 (h - top, w): brightness of the ground's texture, 128 for plain.

        Args:
            maps: Maps of the view.
            ego: x, y in m and yaw in radians of the car in the world.
            slots: uint8 (h - top, w), slots of the pixels.
        """
        cos, sin = np.float32(np.cos(ego[2])), np.float32(np.sin(ego[2]))
        x = maps.ground_x * cos - maps.ground_y * sin + np.float32(ego[0])
        y = maps.ground_x * sin + maps.ground_y * cos + np.float32(ego[1])
        fine = self._look_up(self._fine, x, y, FINE_M)
        coarse = self._look_up(self._coarse, x, y, COARSE_M)
        paved = np.isin(np.arange(256), _PAVED)
        grass = np.arange(256) == Material.GRASS
        chosen = self._choose(fine, slots, paved, grass).astype(np.int16)
        broad = self._choose(coarse, slots, paved, grass).astype(np.int16)
        # 128 x 128 stays within 15 bits; the shift is exact on every machine.
        value = 128 + (((chosen - 128) * maps.detail) >> 7) + (((broad - 128) * maps.blotches) >> 7)
        grain: Bytes = np.clip(value, 0, 255).astype(np.uint8)
        return grain

    @staticmethod
    def _look_up(tile: Bytes, x: NDArray[np.float32], y: NDArray[np.float32], size_m: float) -> Bytes:
        across, down = x * np.float32(1.0 / size_m), y * np.float32(1.0 / size_m)
        column = (across - np.floor(across)) * np.float32(SIZE)
        row = (down - np.floor(down)) * np.float32(SIZE)
        return cv2.remap(tile, column, row, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP).astype(np.uint8, copy=False)

    @staticmethod
    def _choose(tile: Bytes, slots: Bytes, paved: NDArray[np.bool_], grass: NDArray[np.bool_]) -> Bytes:
        chosen = np.ascontiguousarray(tile[..., 0])
        for channel, which in ((1, paved), (2, grass)):
            mask = cv2.LUT(slots, (which * 255).astype(np.uint8))
            cv2.copyTo(np.ascontiguousarray(tile[..., channel]), mask, chosen)
        return chosen


def _fine_tile(rng: np.random.Generator) -> Bytes:
    """Asphalt, stones and grass as the three channels, 128 for plain."""
    grain = rng.normal(0.0, 1.0, (SIZE, SIZE))
    grain = np.asarray(cv2.GaussianBlur(grain, (0, 0), 0.8, borderType=cv2.BORDER_REFLECT), dtype=np.float64)
    asphalt = 128.0 + 26.0 * grain + 40.0 * (fractal_noise(rng, SIZE, SIZE, cells=(6, 6), octaves=5) - 0.5)
    asphalt -= _cracks(rng)
    stones = 128.0 + 14.0 * grain + 30.0 * (fractal_noise(rng, SIZE, SIZE, cells=(24, 24), octaves=2) - 0.5)
    stones += _joints(rng)
    blades = fractal_noise(rng, SIZE, SIZE, cells=(64, 64), octaves=4) - 0.5
    grass = 128.0 + 150.0 * blades + 50.0 * (fractal_noise(rng, SIZE, SIZE, cells=(8, 8), octaves=3) - 0.5)
    return np.rint(np.clip(np.stack([asphalt, stones, grass], axis=-1), 0.0, 255.0)).astype(np.uint8)


def _coarse_tile(rng: np.random.Generator) -> Bytes:
    asphalt = 128.0 + 46.0 * (fractal_noise(rng, SIZE, SIZE, cells=(20, 20), octaves=4) - 0.5) + _repairs(rng)
    stones = 128.0 + 40.0 * (fractal_noise(rng, SIZE, SIZE, cells=(16, 16), octaves=4) - 0.5)
    grass = 128.0 + 110.0 * (fractal_noise(rng, SIZE, SIZE, cells=(12, 12), octaves=6) - 0.5)
    return np.rint(np.clip(np.stack([asphalt, stones, grass], axis=-1), 0.0, 255.0)).astype(np.uint8)


def _joints(rng: np.random.Generator) -> Array:
    """Joints of paving slabs, every second row shifted, and slabs of different tone."""
    slab = int(rng.choice([32, 64]))
    rows = np.arange(SIZE) // slab
    columns = (np.arange(SIZE)[None, :] + (rows % 2)[:, None] * (slab // 2)) % SIZE
    tone = rng.uniform(-14.0, 14.0, (SIZE // slab, SIZE // slab))[rows[:, None], columns // slab]
    joint = (np.arange(SIZE)[:, None] % slab < 3) | (columns % slab < 3)
    result: Array = np.where(joint, -42.0, tone)
    return result


def _cracks(rng: np.random.Generator) -> Array:
    lines = np.zeros((SIZE, SIZE), dtype=np.uint8)
    for _ in range(5):
        steps = rng.normal(0.0, 14.0, (24, 2)) + rng.normal(0.0, 14.0, 2)
        points = rng.uniform(200.0, 824.0, 2) + np.cumsum(steps, axis=0)
        cv2.polylines(lines, [np.rint(points).astype(np.int32)], False, 60, 2)
    return lines.astype(np.float64)


def _repairs(rng: np.random.Generator) -> Array:
    patches = np.zeros((SIZE, SIZE))
    for _ in range(14):
        x, y = (int(value) for value in rng.integers(0, SIZE - 80, 2))
        w, h = (int(value) for value in rng.integers(10, 60, 2))
        patches[y : y + h, x : x + w] = float(rng.uniform(-34.0, 20.0))
    return patches
