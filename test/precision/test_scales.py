"""Scales are what is stored, never 0, and quantized values come back within half of one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from trt_perception.precision.scales import quantized, rounded_scales, weight_scales

WEIGHTS = hnp.arrays(
    np.float32, hnp.array_shapes(min_dims=2, max_dims=4, max_side=4), elements=st.floats(-1e4, 1e4, width=32)
)


@given(weights=WEIGHTS, axis=st.integers(0, 1), fp16=st.booleans())
def test_dequantized_weights_are_within_half_a_scale(weights: NDArray[np.float32], axis: int, fp16: bool) -> None:
    scales = weight_scales(weights, axis, fp16=fp16)
    shape = [1] * weights.ndim
    shape[axis] = -1
    steps = scales.reshape(shape)
    back = quantized(weights, scales, axis).astype(np.float64) * steps
    # The largest value of a channel may lie beyond 127 steps by the rounding of the scale: 127 x 2^-11 of a step.
    assert (np.abs(back - weights) <= steps * (0.5 + 1e-9)).all()


@given(largest=st.floats(0, 8e6), fp16=st.booleans())
def test_a_scale_is_a_positive_number_of_its_type(largest: float, fp16: bool) -> None:
    scale = float(rounded_scales(np.array(largest), fp16=fp16))
    kind = np.float16 if fp16 else np.float32
    assert scale > 0
    assert np.isfinite(kind(scale))
    assert float(kind(scale)) == scale
    assert scale >= np.finfo(kind).tiny


@pytest.mark.parametrize("largest", [0.0, 2e-8 * 127, 1e-30], ids=["zeros", "2e-8_would_be_0", "tiny"])
def test_small_scales_stop_at_the_smallest_normal_half(largest: float) -> None:
    assert float(rounded_scales(np.array(largest), fp16=True)) == 2.0**-14


def test_weights_have_one_scale_for_each_output_channel() -> None:
    weights = np.float32([[[[1.27]], [[-2.54]]], [[[12.7]], [[0.0]]]])
    np.testing.assert_allclose(weight_scales(weights, 0, fp16=False), [0.02, 0.1], rtol=1e-6)
    np.testing.assert_allclose(weight_scales(weights, 1, fp16=False), [0.1, 0.02], rtol=1e-6)
    assert quantized(weights, weight_scales(weights, 0, fp16=False), 0).ravel().tolist() == [64, -127, 127, 0]
