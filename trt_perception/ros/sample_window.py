"""The samples of the last seconds, and their percentiles."""

from __future__ import annotations

import numpy as np

CAPACITY = 1024
"""Most samples that are kept: ten seconds at 100 Hz."""


class SampleWindow:
    """Values with the steady time at which they came, in a ring of fixed size. Not thread-safe.

    Args:
        length_ns: Age, on the steady clock, beyond which a sample no longer counts.
    """

    def __init__(self, *, length_ns: int) -> None:
        self._length_ns = length_ns
        self._times_ns = np.zeros(CAPACITY, np.int64)
        self._values = np.zeros(CAPACITY, np.int64)
        self._count = 0  # ever added, since the last clear

    def add(self, now_ns: int, value: int) -> None:
        """Add one sample."""
        index = self._count % CAPACITY
        self._times_ns[index] = now_ns
        self._values[index] = value
        self._count += 1

    def clear(self) -> None:
        """Forget all samples."""
        self._count = 0

    def percentiles(self, now_ns: int, ranks: tuple[float, ...]) -> tuple[float, ...] | None:
        """The percentiles of the samples that still count, by linear interpolation; None where there are none."""
        values = self._values[: self._count][self._recent(now_ns)]
        if values.size == 0:
            return None
        return tuple(float(value) for value in np.percentile(values, ranks))

    def rate_hz(self, now_ns: int) -> float:
        """Samples a second: over the window, or over the time for which the ring reaches back."""
        times = self._times_ns[: self._count][self._recent(now_ns)]
        if times.size < 2:
            return 0.0
        # From the oldest sample to now, not to the newest: the rate of a camera that stopped falls.
        return float((times.size - 1) * 1e9 / max(now_ns - int(times.min()), 1))

    def _recent(self, now_ns: int) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
        recent: np.ndarray[tuple[int, ...], np.dtype[np.bool_]] = (
            self._times_ns[: self._count] > now_ns - self._length_ns
        )
        return recent
