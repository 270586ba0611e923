"""The course of the road: a smooth curve through the plane, measured by arc length."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from trt_perception.demo.seeding import generator

Array = NDArray[np.float64]

_COURSE = 21
_STEP_M = 1.0
_WAVES = 4


class Road:
    """The centre line. Lengths `s` run along it from 0 at the car's start; offsets `d` are to its left, both in m.

    Args:
        seed: Seed of the drive.
        start_m: Lowest s that may be asked for.
        end_m: Highest s.
    """

    def __init__(self, seed: int, *, start_m: float, end_m: float) -> None:
        rng = generator(seed, _COURSE)
        wavelength = rng.uniform(140.0, 520.0, _WAVES)
        # The heading is a sum of waves; the curvature of one is at most amplitude * 2 pi / wavelength.
        curvature = rng.uniform(0.15, 1.0, _WAVES) / rng.choice([380.0, 700.0, 2400.0], _WAVES)
        self._wave = 2.0 * np.pi / wavelength
        self._amplitude = curvature * wavelength / (2.0 * np.pi)
        self._phase = rng.uniform(0.0, 2.0 * np.pi, _WAVES)
        self._heading_at_start = float(self._bend(np.zeros(1))[0])
        count = int(np.ceil((end_m - start_m) / _STEP_M)) + 2
        self._s = start_m + _STEP_M * np.arange(count)
        middle = self.heading(np.asarray(self._s[:-1] + _STEP_M / 2.0, dtype=np.float64))
        self._x = self._integral(np.cos(middle))
        self._y = self._integral(np.sin(middle))

    def heading(self, s: Array) -> Array:
        """Direction of the road at lengths (n,) in radians, 0 at the start."""
        return self._bend(s) - self._heading_at_start

    def points(self, s: Array, d: Array) -> Array:
        """World positions (n, 2) of road positions."""
        heading = self.heading(s)
        x = np.interp(s, self._s, self._x) - d * np.sin(heading)
        y = np.interp(s, self._s, self._y) + d * np.cos(heading)
        return np.stack([x, y], axis=-1)

    def _bend(self, s: Array) -> Array:
        waves: Array = self._amplitude * np.sin(np.asarray(s)[..., None] * self._wave + self._phase)
        total: Array = waves.sum(axis=-1)
        return total

    def _integral(self, slope: Array) -> Array:
        total = np.concatenate([[0.0], np.cumsum(slope) * _STEP_M])
        offset = np.interp(0.0, self._s, total)
        result: Array = total - offset
        return result
