"""Scales of symmetric INT8: a value is its whole number from -127 to 127 times the scale."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

LARGEST_INTEGER = 127
"""-128 is left out, so that the range is symmetric and TensorRT's kernels may use it."""
FP16_MAX = 65504.0
FP16_FLOOR = 2.0**-14
"""Smallest scale held in FP16: below it lose bits, at 3e-8 it becomes 0, which TensorRT refuses."""
FP32_FLOOR = 2.0**-60
"""Smallest scale held in FP32: a channel of zeros needs one too."""


def rounded_scales(ranges: NDArray[np.float64], *, fp16: bool) -> NDArray[np.float64]:
    """Scales as they are stored, which is what values must be quantized with.

    Args:
        ranges: Largest absolute values to represent, any shape, each at least 0.
        fp16: Whether the scale is stored as FP16 (else FP32).

    Returns:
        Exact values of the stored numbers, same shape.
    """
    floor = FP16_FLOOR if fp16 else FP32_FLOOR
    scales = np.maximum(np.asarray(ranges, np.float64) / LARGEST_INTEGER, floor)
    return np.minimum(scales, FP16_MAX).astype(np.float16 if fp16 else np.float32).astype(np.float64)


def weight_scales(weights: NDArray[np.float32], axis: int, *, fp16: bool) -> NDArray[np.float64]:
    """One scale for each slice of `weights` along `axis`; float64 (weights.shape[axis],)."""
    others = tuple(index for index in range(weights.ndim) if index != axis)
    return rounded_scales(np.abs(weights).max(axis=others).astype(np.float64), fp16=fp16)


def quantized(values: NDArray[np.float32], scales: NDArray[np.float64], axis: int) -> NDArray[np.int8]:
    """`values` in steps of their scale, rounded to even as QuantizeLinear does."""
    shape = [1] * values.ndim
    shape[axis] = -1
    steps = np.rint(values.astype(np.float64) / scales.reshape(shape))
    return np.clip(steps, -LARGEST_INTEGER, LARGEST_INTEGER).astype(np.int8)
