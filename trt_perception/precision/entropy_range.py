"""The range whose INT8 values lose the least information about a tensor's distribution."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

QUANTIZED_BINS = 255
"""Values of symmetric INT8, -127 to 127."""

_SMOOTHING = 1e-4


def entropy_threshold(counts: NDArray[np.int64], *, quantized_bins: int = QUANTIZED_BINS) -> tuple[int, int]:
    """First bin and bin behind the last of the range that keeps the distribution best.

    For every window around zero: the distribution clipped to it (what lies outside is added to its outermost bins) is
    compared with itself laid into `quantized_bins` values and spread again over the bins that were not empty; the
    window with the smallest Kullback-Leibler divergence wins, the narrowest of equal ones.

    Source: S. Migacz, "8-bit inference with TensorRT", GTC 2017, S7310, over values with their signs and with zeros
    smoothed by 1e-4, as in ONNX Runtime (onnxruntime.quantization.calibrate, HistogramCollector): whole counts, and the
    bins left over by the division fall to the last value.

    Args:
        counts: int64 (2 n,), a histogram of equal bins around zero.
        quantized_bins: How many values the quantised tensor can take.

    Returns:
        The window as (start, stop), 0 <= start < n < stop <= 2 n. All of it where n is not above `quantized_bins` / 2.
    """
    middle = len(counts) // 2
    before = np.concatenate(([0], np.cumsum(counts)))  # before[i]: counts in front of bin i
    best, window = np.inf, (0, len(counts))
    for half in range(quantized_bins // 2, middle + 1):
        start, stop = middle - half, min(middle + half + 1, len(counts))
        if stop - start < quantized_bins:
            continue
        divergence = _divergence(counts, before, start, stop, quantized_bins)
        if divergence < best:
            best, window = divergence, (start, stop)
    return window


def _divergence(
    counts: NDArray[np.int64], before: NDArray[np.int64], start: int, stop: int, quantized_bins: int
) -> float:
    """KL divergence of one window; infinite where it is empty."""
    inside = counts[start:stop]
    clipped = inside.copy()
    clipped[0] += before[start]
    clipped[-1] += before[-1] - before[stop]
    occupied = clipped != 0
    merged = (stop - start) // quantized_bins
    edges = np.arange(quantized_bins) * merged
    sums = np.add.reduceat(inside, edges)  # the last one reaches to the end
    # Only the bins of a full value are spread: what the last value has left over stays empty, as in the source.
    spread = occupied[: quantized_bins * merged].reshape(quantized_bins, merged).sum(axis=1)
    level = np.where(spread > 0, sums // np.maximum(spread, 1), 0)
    laid = np.zeros_like(clipped)
    laid[: quantized_bins * merged] = np.repeat(level, merged)
    if not (occupied.any() and laid.any()):
        return float("inf")
    p, q = _smoothed(clipped), _smoothed(laid)
    p /= p.sum()
    q /= q.sum()
    return float((p * np.log(p / q)).sum())


def _smoothed(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """The counts with 1e-4 in place of every zero, taken off the others evenly."""
    is_zero = counts == 0
    zeros = int(is_zero.sum())
    taken = _SMOOTHING * zeros / (counts.size - zeros)
    return np.where(is_zero, _SMOOTHING, counts - taken)
