"""Smooth random patterns that repeat without a seam."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def fractal_noise(rng: np.random.Generator, width: int, height: int, *, cells: tuple[int, int], octaves: int) -> Array:
    """float64 (height, width), 0 to 1: value noise of several scales that wraps round on all sides.

    Args:
        rng: Source of chance.
        width: Columns.
        height: Rows.
        cells: Grid cells across and down of the coarsest scale.
        octaves: Number of scales, each twice as fine and half as strong.
    """
    total = np.zeros((height, width))
    weight = 1.0
    across, down = cells
    for _ in range(octaves):
        total += weight * _value_noise(rng, width, height, min(across, width), min(down, height))
        weight *= 0.55
        across, down = across * 2, down * 2
    low, high = total.min(), total.max()
    result: Array = (total - low) / max(high - low, 1e-9)
    return result


def _value_noise(rng: np.random.Generator, width: int, height: int, across: int, down: int) -> Array:
    grid = rng.integers(0, 65536, (down, across)).astype(np.uint16)
    border = 2
    wrapped = np.pad(grid, border, mode="wrap")
    step_x, step_y = width / across, height / down
    x = ((np.arange(width) + 0.5) / step_x - 0.5 + border).astype(np.float32)
    y = ((np.arange(height) + 0.5) / step_y - 0.5 + border).astype(np.float32)
    map_x, map_y = np.meshgrid(x, y)
    return cv2.remap(wrapped, map_x, map_y, cv2.INTER_CUBIC).astype(np.float64) / 65535.0
