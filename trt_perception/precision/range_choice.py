"""The range that INT8 is to represent, out of a tensor's histogram."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from trt_perception.errors import InputError
from trt_perception.precision.entropy_range import entropy_threshold
from trt_perception.precision.histogram import StreamingHistogram
from trt_perception.precision.precision_plan import CalibratorMethod, CalibratorOptions


def choose_range(histogram: StreamingHistogram, options: CalibratorOptions) -> float:
    """The absolute maximum to represent, positive and at most the largest absolute value that came.

    max: that value. percentile: the upper edge of the bin in which that share of the absolute values is reached.
    entropy: `entropy_threshold`, unless asked otherwise with the two bins beside zero as full as their neighbours:
    zero is represented exactly whatever the range, so how often it comes says nothing about the range. NVIDIA's
    pytorch-quantization treats the first bin of its histograms alike.

    Raises:
        InputError: No frame came, or the tensor held one and the same number throughout (zero included).
    """
    if not histogram.frames:
        raise InputError(f"tensor {histogram.name!r}: expected values, got no frame")
    if histogram.is_constant:
        raise InputError(
            f"tensor {histogram.name!r}: expected values that differ, got {histogram.maximum:g} throughout all "
            f"{histogram.frames} frames; check the images and the model's preprocessing"
        )
    if options.method is CalibratorMethod.MAX:
        return histogram.absolute_maximum
    is_entropy = options.method is CalibratorMethod.ENTROPY
    if is_entropy:
        edge = _entropy_edge(histogram, counts_zeros=options.entropy_counts_zeros)
    else:
        edge = _percentile_edge(histogram, options.percentile)
    return min(edge * histogram.bin_width, histogram.absolute_maximum)


def method_text(options: CalibratorOptions) -> str:
    """The method as tables and manifests name it: entropy, max, or percentile with its share."""
    if options.method is CalibratorMethod.PERCENTILE:
        return f"percentile {options.percentile:g}"
    zeros = options.method is CalibratorMethod.ENTROPY and options.entropy_counts_zeros
    return f"{options.method.value} with zeros" if zeros else options.method.value


def _without_zeros(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """The counts with each of the two bins beside zero as full as the next one away from it."""
    middle = len(counts) // 2
    kept = counts.copy()
    kept[middle], kept[middle - 1] = counts[middle + 1], counts[middle - 2]
    return kept if kept.any() else counts


def _percentile_edge(histogram: StreamingHistogram, percentile: float) -> int:
    """Bins from zero to the upper edge of the one that reaches the share."""
    reached = np.cumsum(histogram.absolute_counts)
    return int(np.searchsorted(reached, reached[-1] * (percentile / 100.0))) + 1


def _entropy_edge(histogram: StreamingHistogram, *, counts_zeros: bool) -> int:
    """Bins from zero to the farther end of the best window, inside of what the tensor's sign allows."""
    counts = histogram.counts if counts_zeros else _without_zeros(histogram.counts)
    start, stop = entropy_threshold(counts)
    upper = (stop - histogram.half_bins) if histogram.maximum > 0 else 0
    lower = (histogram.half_bins - start) if histogram.minimum < 0 else 0
    return max(upper, lower)
