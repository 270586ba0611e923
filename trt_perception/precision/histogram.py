"""How often a tensor takes which values, gathered frame by frame in memory that does not grow."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from trt_perception.errors import InputError

HALF_BINS = 2048
"""Bins on each side of zero, as many as TensorRT's entropy calibrator has for absolute values."""

_CHUNK = 2**20


class StreamingHistogram:
    """Counts over equal bins of ``[-limit, limit]``; `limit` begins as the first frame's largest absolute value.

    A larger value doubles `limit` as often as needed: bins are merged in pairs, so nothing is counted twice or moved
    and one pass over the frames is enough. A positive bin holds its upper edge, a negative one its lower, the first
    bin above zero holds zero. Between two doublings at least half of the bins of a side are in use.

    Args:
        name: The tensor, for errors.
        half_bins: Bins on each side of zero; a power of two.

    Attributes:
        counts: int64 (2 x half_bins,), from -limit to limit.
        limit: Upper end of the last bin; 0.0 as long as only zeros came.
        frames: Frames added.
        minimum: Smallest value so far.
        maximum: Largest value so far.

    Raises:
        InputError: `half_bins` is no power of two.
    """

    def __init__(self, name: str, *, half_bins: int = HALF_BINS) -> None:
        if half_bins < 2 or half_bins & (half_bins - 1):
            raise InputError(f"half_bins: expected a power of two from 2 on, got {half_bins}")
        self.name = name
        self.half_bins = half_bins
        self.counts: NDArray[np.int64] = np.zeros(2 * half_bins, np.int64)
        self.limit = 0.0
        self.frames = 0
        self.minimum = np.inf
        self.maximum = -np.inf

    @property
    def is_dead(self) -> bool:
        """Whether every value was zero."""
        return self.frames > 0 and self.limit == 0.0

    @property
    def is_constant(self) -> bool:
        """Whether every value of every frame was the same number."""
        return self.frames > 0 and self.minimum == self.maximum

    @property
    def absolute_maximum(self) -> float:
        """Largest absolute value; 0.0 where no value came."""
        return max(abs(self.minimum), abs(self.maximum)) if self.frames else 0.0

    @property
    def bin_width(self) -> float:
        """Width of a bin."""
        return self.limit / self.half_bins

    @property
    def absolute_counts(self) -> NDArray[np.int64]:
        """Counts of absolute values: int64 (half_bins,), from zero to `limit`."""
        return self.counts[self.half_bins :] + self.counts[self.half_bins - 1 :: -1]

    def add(self, values: NDArray[Any], *, frame: str) -> None:
        """Count one frame's values.

        Args:
            values: The tensor, floating point, any shape.
            frame: Which frame, for errors.

        Raises:
            InputError: The tensor is empty or holds NaN or infinity; nothing is counted then.
        """
        flat = values.reshape(-1)
        if not flat.size:
            raise InputError(f"tensor {self.name!r}: expected values in {frame}, got none; check the model's shapes")
        low, high = float(flat.min()), float(flat.max())
        if not (np.isfinite(low) and np.isfinite(high)):
            raise InputError(
                f"tensor {self.name!r}: expected finite values, got NaN or infinity in {frame}; "
                "check that frame and the model's preprocessing"
            )
        self._grow(max(abs(low), abs(high)))
        for start in range(0, flat.size, _CHUNK):
            self._count(flat[start : start + _CHUNK])
        self.frames += 1
        self.minimum = min(self.minimum, low)
        self.maximum = max(self.maximum, high)

    def _grow(self, largest: float) -> None:
        if self.limit == 0.0 < largest:
            self.limit = largest  # what was counted so far are zeros, which stay where they are
        while largest > self.limit:
            merged = self.counts.reshape(-1, 2).sum(axis=1)
            self.counts[:] = 0
            self.counts[self.half_bins // 2 : self.half_bins // 2 + self.half_bins] = merged
            self.limit *= 2

    def _count(self, values: NDArray[Any]) -> None:
        if self.limit == 0.0:
            self.counts[self.half_bins] += values.size
            return
        scale = self.half_bins / self.limit
        # float16 has too few digits for a bin's number, and float32 no numbers for the scale of tiny values.
        wide = np.float32 if values.dtype != np.float64 and scale < 1e30 else np.float64
        scaled = np.multiply(values, wide(scale), dtype=wide)
        index = np.floor(scaled)
        index -= (index == scaled) & (scaled > 0)  # an upper edge belongs to the bin below
        np.clip(index, -self.half_bins, self.half_bins - 1, out=index)
        index += self.half_bins
        self.counts += np.bincount(index.astype(np.intp), minlength=2 * self.half_bins)
