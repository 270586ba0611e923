"""Streaming counts against counts made in one go."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from trt_perception.errors import InputError
from trt_perception.precision.histogram import StreamingHistogram

BATCHES = st.lists(
    arrays(np.float32, st.integers(1, 40), elements=st.floats(-1e4, 1e4, width=32, allow_subnormal=False)),
    min_size=1,
    max_size=6,
)


def gathered(batches: list[np.ndarray], half_bins: int = 16) -> StreamingHistogram:
    histogram = StreamingHistogram("t", half_bins=half_bins)
    for index, batch in enumerate(batches):
        histogram.add(batch, frame=f"frame {index}")
    return histogram


@settings(max_examples=150, deadline=None)
@given(BATCHES)
def test_counts_as_numpy_does_over_all_values_at_once(batches: list[np.ndarray]) -> None:
    histogram = gathered(batches)
    values = np.concatenate(batches).astype(np.float64)
    assert histogram.counts.sum() == values.size
    if histogram.limit == 0:
        assert not values.any()
        return
    assert histogram.limit / 2 < np.abs(values).max() <= histogram.limit or len(batches) == 1
    edges = np.linspace(-histogram.limit, histogram.limit, 33)
    counts, _ = np.histogram(values, bins=edges)
    # A value on an edge, or within rounding of one, may lie on either side.
    near = (np.abs(values[:, None] - edges) <= 1e-6 * histogram.limit).sum(axis=0)
    difference = np.abs(np.cumsum(histogram.counts) - np.cumsum(counts))
    assert (difference <= near[1:]).all()


@settings(max_examples=60, deadline=None)
@given(BATCHES, st.randoms())
def test_the_order_after_the_first_frame_does_not_matter(batches: list[np.ndarray], random: object) -> None:
    rest = batches[1:]
    random.shuffle(rest)  # type: ignore[attr-defined]
    first, second = gathered(batches), gathered([batches[0], *rest])
    if batches[0].any():
        assert first.limit == second.limit
        np.testing.assert_array_equal(first.counts, second.counts)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_many_small_and_few_large_values_fill_the_right_bins(dtype: type) -> None:
    histogram = gathered([np.array([-1, -0.5, 0, 0.25, 1], dtype), np.array([8.0], dtype)], half_bins=16)
    assert histogram.limit == 8.0
    expected = np.zeros(32, int)
    expected[14] = 1  # -1 is the lower edge of its bin
    expected[15] = 1  # -0.5 too
    expected[16] = 2  # 0 and 0.25
    expected[17] = 1  # 1 is the upper edge of its bin
    expected[31] = 1
    np.testing.assert_array_equal(histogram.counts, expected)
    np.testing.assert_array_equal(histogram.absolute_counts[:2], [3, 2])
    assert (histogram.minimum, histogram.maximum, histogram.absolute_maximum) == (-1.0, 8.0, 8.0)


def test_a_tensor_larger_than_a_chunk_is_counted_whole() -> None:
    values = np.random.default_rng(0).normal(size=2**20 + 7).astype(np.float32)
    histogram = gathered([values], half_bins=64)
    assert histogram.counts.sum() == values.size
    counts, _ = np.histogram(values, bins=128, range=(-histogram.limit, histogram.limit))
    assert np.abs(counts - histogram.counts).max() <= 2  # rounding at edges


def test_tiny_values_are_told_apart() -> None:
    histogram = gathered([np.array([1e-40, -5e-41], np.float32)])
    assert histogram.counts[31] == 1
    assert histogram.counts[:16].sum() == 1


def test_dead_means_zero_in_every_frame() -> None:
    zeros = np.zeros((1, 2, 2), np.float32)
    histogram = gathered([zeros, zeros])
    assert histogram.is_dead
    assert histogram.is_constant
    histogram.add(np.array([0.0, 3.0], np.float32), frame="third")
    assert not histogram.is_dead
    assert histogram.counts[16] == 9
    assert histogram.counts[31] == 1


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf], ids=str)
def test_names_tensor_and_frame_of_a_value_that_is_no_number(value: float) -> None:
    histogram = gathered([np.ones(3, np.float32)])
    with pytest.raises(InputError, match=r"'t': expected finite values, got NaN or infinity in front at 12"):
        histogram.add(np.array([1.0, value], np.float32), frame="front at 12")
    assert histogram.counts.sum() == 3
    assert histogram.frames == 1


def test_refuses_an_empty_tensor_and_bins_that_cannot_be_merged() -> None:
    with pytest.raises(InputError, match="expected values in frame 0, got none"):
        gathered([np.empty(0, np.float32)])
    with pytest.raises(InputError, match="power of two"):
        StreamingHistogram("t", half_bins=12)
