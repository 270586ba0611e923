"""The range that INT8 is to represent, out of a tensor's histogram."""

from __future__ import annotations

import numpy as np

from trt_perception.errors import InputError
from trt_perception.precision.entropy_range import entropy_threshold
from trt_perception.precision.histogram import StreamingHistogram
from trt_perception.precision.precision_plan import CalibratorMethod, CalibratorOptions


def choose_range(histogram: StreamingHistogram, options: CalibratorOptions) -> float:
    """The absolute maximum to represent, positive and at most the largest absolute value that came.

    max: that value. percentile: the upper edge of the bin in which that share of the absolute values is reached.
    entropy: `entropy_threshold`.

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
    edge = _entropy_edge(histogram) if is_entropy else _percentile_edge(histogram, options.percentile)
    return min(edge * histogram.bin_width, histogram.absolute_maximum)


def method_text(options: CalibratorOptions) -> str:
    """The method as tables and manifests name it: entropy, max, or percentile with its share."""
    share = f" {options.percentile:g}" if options.method is CalibratorMethod.PERCENTILE else ""
    return f"{options.method.value}{share}"


def _percentile_edge(histogram: StreamingHistogram, percentile: float) -> int:
    """Bins from zero to the upper edge of the one that reaches the share."""
    reached = np.cumsum(histogram.absolute_counts)
    return int(np.searchsorted(reached, reached[-1] * (percentile / 100.0))) + 1


def _entropy_edge(histogram: StreamingHistogram) -> int:
    """Bins from zero to the farther end of the best window, inside of what the tensor's sign allows."""
    start, stop = entropy_threshold(histogram.counts)
    upper = (stop - histogram.half_bins) if histogram.maximum > 0 else 0
    lower = (histogram.half_bins - start) if histogram.minimum < 0 else 0
    return max(upper, lower)
