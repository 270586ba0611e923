"""Ranges against those of ONNX Runtime's collectors and of NumPy, on the same values."""

from __future__ import annotations

import numpy as np
import pytest

from trt_perception.errors import InputError
from trt_perception.precision.entropy_range import QUANTIZED_BINS, entropy_threshold
from trt_perception.precision.histogram import StreamingHistogram
from trt_perception.precision.precision_plan import CalibratorMethod, CalibratorOptions
from trt_perception.precision.range_choice import choose_range, method_text

calibrate = pytest.importorskip("onnxruntime.quantization.calibrate", reason="ONNX Runtime is not installed")

HALF_BINS = 512
COUNT = 40_000


def _values(name: str) -> np.ndarray:
    random = np.random.default_rng(11)
    normal = random.normal(0, 1, COUNT)
    kinds = {
        "normal": normal,
        "laplace": random.laplace(0, 1, COUNT),
        "relu": np.maximum(normal, 0),
        "silu": 4 * normal / (1 + np.exp(-4 * normal)),
        "uniform": random.uniform(-3, 3, COUNT),
        "heavy_tail": random.standard_t(3, COUNT),
        "relu6": np.clip(4 * normal, 0, 6),
        "negative": -np.abs(normal),
    }
    return kinds[name].astype(np.float32)


KINDS = ("normal", "laplace", "relu", "silu", "uniform", "heavy_tail", "relu6", "negative")


def histogram_of(*batches: np.ndarray, half_bins: int = HALF_BINS) -> StreamingHistogram:
    histogram = StreamingHistogram("t", half_bins=half_bins)
    for index, batch in enumerate(batches):
        histogram.add(batch, frame=str(index))
    return histogram


def reference(method: str, *batches: np.ndarray, percentile: float = 99.9) -> float:
    """The symmetric range as ONNX Runtime's collector has it."""
    collector = calibrate.HistogramCollector(
        method=method,
        symmetric=True,
        num_bins=2 * HALF_BINS if method == "entropy" else HALF_BINS,
        num_quantized_bins=QUANTIZED_BINS,
        percentile=percentile,
        scenario="same",
    )
    for batch in batches:
        collector.collect({"t": batch})
    low, high = collector.compute_collection_result()["t"][:2]
    return max(abs(float(low)), abs(float(high)))


def options(method: str, percentile: float = 99.9) -> CalibratorOptions:
    return CalibratorOptions(method=CalibratorMethod(method), percentile=percentile, entropy_counts_zeros=True)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("method", ["entropy", "percentile"])
def test_ranges_are_onnxruntimes_within_a_bin(kind: str, method: str) -> None:
    values = _values(kind)
    # The largest comes in the first batch, and a zero: both have the same bins then, and ONNX Runtime, whose absolute
    # bins begin at the first batch's smallest value, drops none.
    batches = np.concatenate(([values[np.abs(values).argmax()], 0], values, [0, 0])).astype(np.float32).reshape(4, -1)
    histogram = histogram_of(*batches)
    got = choose_range(histogram, options(method))
    assert got == pytest.approx(reference(method, *batches), abs=1.0001 * histogram.bin_width)
    assert 0 < got <= np.abs(values).max()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("percentile", [90.0, 99.0, 99.99, 100.0])
def test_percentile_is_numpys_within_a_bin_also_after_the_range_doubled(kind: str, percentile: float) -> None:
    values = _values(kind)
    histogram = histogram_of(values[:10] / 7, values)
    got = choose_range(histogram, options("percentile", percentile))
    expected = np.percentile(np.abs(values), percentile, method="inverted_cdf")
    assert got == pytest.approx(expected, abs=1.001 * histogram.bin_width)


def test_max_is_the_largest_absolute_value_exactly() -> None:
    values = _values("heavy_tail")
    histogram = histogram_of(*values.reshape(8, -1))
    assert choose_range(histogram, options("max")) == np.abs(values).max()


def test_entropy_cuts_a_few_far_values_off() -> None:
    values = _values("normal")
    values[:3] = 60.0
    histogram = histogram_of(values, half_bins=2048)
    assert choose_range(histogram, options("entropy")) < 20.0


def test_entropy_leaves_zeros_out_unless_asked_to_count_them() -> None:
    values = np.random.default_rng(2).standard_normal(60_000).astype(np.float32)
    mostly_zero = np.concatenate((np.maximum(values, 0), np.zeros(400_000, np.float32)))
    without = CalibratorOptions(method=CalibratorMethod.ENTROPY)
    counted = choose_range(histogram_of(mostly_zero), options("entropy"))
    left_out = choose_range(histogram_of(mostly_zero), without)
    assert left_out == pytest.approx(choose_range(histogram_of(np.maximum(values, 0)), without), rel=0.02)
    assert left_out > 1.5 * counted
    signs = histogram_of(np.repeat(np.float32([-1, 0, 1]), 50))  # nothing but zeros and the ends
    assert choose_range(signs, without) == 1.0


def test_entropy_keeps_all_where_there_are_fewer_bins_than_int8_has_values() -> None:
    assert entropy_threshold(np.ones(200, np.int64)) == (0, 200)


@pytest.mark.parametrize("method", ["entropy", "percentile", "max"])
def test_refuses_a_constant_tensor_and_one_without_values(method: str) -> None:
    with pytest.raises(InputError, match=r"'t': expected values that differ, got 2.5 throughout all 2 frames"):
        choose_range(histogram_of(np.full(4, 2.5, np.float32), np.full(4, 2.5, np.float32)), options(method))
    with pytest.raises(InputError, match="got no frame"):
        choose_range(StreamingHistogram("t"), options(method))


def test_names_the_method_with_the_percentiles_share() -> None:
    assert [method_text(options(m, 99.99)) for m in ("entropy", "max", "percentile")] == [
        "entropy with zeros",
        "max",
        "percentile 99.99",
    ]
    assert method_text(CalibratorOptions(method=CalibratorMethod.ENTROPY)) == "entropy"
