"""Masks by kernels are those of the reference decoders, to the bit; on the CPU in CI, on the GPU with `-m gpu`."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from helpers.head_on_bench import by_decoder, by_kernels, problem_of
from helpers.kernel_bench import KernelBench
from helpers.model_specs import model_spec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from trt_perception.model.model_spec import HeadKind, MaskSize, ModelSpec, TensorType
from trt_perception.model.preprocess_options import Resize
from trt_perception.segmentation_mask import UNLABELLED, SegmentationMask

FLOATS = pytest.mark.parametrize("dtype", [TensorType.FLOAT32, TensorType.FLOAT16], ids=lambda dtype: dtype.value)
IDS = pytest.mark.parametrize(
    "dtype",
    [TensorType.INT64, TensorType.INT32, TensorType.UINT8, TensorType.INT8],
    ids=lambda dtype: dtype.value,
)
MASK_SIZES = pytest.mark.parametrize("mask_size", MaskSize, ids=lambda size: size.value)
# Several examples share one bench, which is cleared between them.
examples = settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])


@st.composite
def cases(draw: st.DrawFn) -> tuple[tuple[int, int], dict[str, Any], tuple[int, int], int]:
    """Image size, options of the spec (network size, resize, crop, mask size), size of the grid, seed."""
    width, height = draw(st.integers(1, 90)), draw(st.integers(1, 90))
    crop = None
    if draw(st.booleans()):
        x, y = draw(st.integers(0, width - 1)), draw(st.integers(0, height - 1))
        crop = (x, y, draw(st.integers(1, width - x)), draw(st.integers(1, height - y)))
    # Strides that divide nothing occur, too: a grid of 33 cells for 130 pixels.
    grid = (draw(st.integers(1, 20)), draw(st.integers(1, 20)))
    stride = draw(st.sampled_from([1, 2, 4, 8, 32]))
    odd = draw(st.integers(0, stride - 1))
    options = {
        "width": grid[1] * stride + odd,
        "height": grid[0] * stride + odd,
        "resize": draw(st.sampled_from(list(Resize))),
        "crop": crop,
        "mask_size": draw(st.sampled_from(list(MaskSize))),
    }
    return (width, height), options, grid, draw(st.integers(0, 10**6))


def assert_same(bench: KernelBench, spec: ModelSpec, output: NDArray[Any], size: tuple[int, int]) -> None:
    outputs = {"output": output.astype(spec.outputs[0].dtype.value)}
    expected, got = by_decoder(spec, outputs, size), by_kernels(bench, spec, outputs, size)
    assert isinstance(expected, SegmentationMask)
    assert isinstance(got, SegmentationMask)
    assert np.array_equal(got.class_ids, expected.class_ids)


@FLOATS
@examples
@given(case=cases(), classes=st.sampled_from([1, 2, 3, 19]), coarse=st.booleans())
def test_logits_of_any_stride(
    kernel_bench: KernelBench, dtype: TensorType, case: Any, classes: int, coarse: bool
) -> None:
    kernel_bench.clear()
    size, options, grid, seed = case
    logits = np.random.default_rng(seed).normal(size=(1, classes, *grid))
    if coarse:
        logits = np.rint(logits)  # equal logits are common then
    spec = model_spec(HeadKind.SEMANTIC_LOGITS, logits.shape, labels=max(2, classes), dtype=dtype, **options)
    assert_same(kernel_bench, spec, logits, size)


@FLOATS
@examples
@given(case=cases(), coarse=st.booleans())
def test_a_binary_mask_of_any_stride(kernel_bench: KernelBench, dtype: TensorType, case: Any, coarse: bool) -> None:
    kernel_bench.clear()
    size, options, grid, seed = case
    probabilities = np.random.default_rng(seed).uniform(size=(1, 1, *grid))
    if coarse:
        probabilities = np.rint(probabilities * 4) / 4  # a half is common then
    spec = model_spec(HeadKind.BINARY_MASK, probabilities.shape, labels=2, dtype=dtype, **options)
    assert_same(kernel_bench, spec, probabilities, size)


@IDS
@examples
@given(case=cases(), axes=st.integers(3, 4))
def test_class_ids_of_any_stride(kernel_bench: KernelBench, dtype: TensorType, case: Any, axes: int) -> None:
    kernel_bench.clear()
    size, options, grid, seed = case
    known = [0, 1, 2] if dtype is TensorType.INT8 else [0, 1, 2, UNLABELLED]
    ids = np.random.default_rng(seed).choice(known, size=grid)
    shape = (1, 1, *grid) if axes == 4 else (1, *grid)
    spec = model_spec(HeadKind.SEMANTIC_CLASS_IDS, shape, dtype=dtype, **options)
    assert_same(kernel_bench, spec, ids.reshape(shape), size)


SCENES = pytest.mark.parametrize(
    ("size", "network", "stride", "options"),
    [
        ((480, 270), (256, 160), 4, {}),
        ((270, 480), (256, 160), 8, {"resize": Resize.LETTERBOX_TOP_LEFT}),
        ((333, 221), (128, 128), 1, {"resize": Resize.STRETCH}),
        ((37, 23), (256, 256), 4, {}),
        ((300, 200), (128, 96), 8, {"crop": (31, 17, 201, 99)}),
    ],
    ids=["wide", "tall", "every_pixel", "small_image", "crop"],
)


@SCENES
@FLOATS
@MASK_SIZES
@pytest.mark.parametrize("classes", [2, 19, 255])
def test_scenes_of_smooth_regions(
    kernel_bench: KernelBench,
    size: tuple[int, int],
    network: tuple[int, int],
    stride: int,
    options: dict[str, Any],
    dtype: TensorType,
    mask_size: MaskSize,
    classes: int,
) -> None:
    """As networks give them: most pixels lie within a region, borders run anywhere."""
    width, height = network[0] // stride, network[1] // stride
    classes = min(classes, 500_000 // (width * height))  # more logits take the stand-in on the CPU too long
    y, x = np.mgrid[:height, :width] / max(width, height)
    phases = np.random.default_rng(classes).uniform(0, 6.3, (3, classes, 1, 1))
    logits = 4 * np.sin(9 * x + phases[0]) + 3 * np.sin(7 * y + phases[1]) + np.sin(20 * (x + y) + phases[2])
    spec = model_spec(
        HeadKind.SEMANTIC_LOGITS,
        (1, classes, height, width),
        labels=classes,
        width=network[0],
        height=network[1],
        dtype=dtype,
        mask_size=mask_size,
        **options,
    )
    assert_same(kernel_bench, spec, logits[None], size)


@FLOATS
@MASK_SIZES
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf], ids=["nan", "inf", "minus_inf"])
@pytest.mark.parametrize("count", [1, 700])
def test_logits_that_are_not_finite_are_counted(
    kernel_bench: KernelBench, dtype: TensorType, mask_size: MaskSize, value: float, count: int
) -> None:
    """In the padding, too."""
    logits = np.zeros((1, 3, 32, 32), dtype.value)
    logits.ravel()[np.random.default_rng(0).choice(logits.size, count, replace=False)] = value
    spec = model_spec(HeadKind.SEMANTIC_LOGITS, logits.shape, dtype=dtype, mask_size=mask_size)
    got, expected = problem_of(kernel_bench, spec, {"output": logits}, (200, 20))
    assert f"{count} of 3072" in expected
    assert got == expected


@IDS
@MASK_SIZES
@pytest.mark.parametrize("first", [0, 300, 1023])
def test_ids_without_a_label_are_named(
    kernel_bench: KernelBench, dtype: TensorType, mask_size: MaskSize, first: int
) -> None:
    """The first of them, in the order of rows."""
    ids = np.zeros(1024, dtype.value)
    ids[first:] = np.arange(3, 3 + 1024 - first) % 100 + 3
    spec = model_spec(HeadKind.SEMANTIC_CLASS_IDS, (1, 32, 32), dtype=dtype, mask_size=mask_size)
    got, expected = problem_of(kernel_bench, spec, {"output": ids.reshape(1, 32, 32)}, (64, 64))
    assert "class id 6, expected 0 to 2" in expected
    assert got == expected


@pytest.mark.parametrize("value", [-1, 3, 256, 257 + 2**33, -(2**40)])
def test_ids_are_judged_before_they_become_bytes(kernel_bench: KernelBench, value: int) -> None:
    ids = np.zeros((1, 4, 4), np.int64)
    ids[0, 2, 1] = value
    spec = model_spec(HeadKind.SEMANTIC_CLASS_IDS, ids.shape, dtype=TensorType.INT64)
    got, expected = problem_of(kernel_bench, spec, {"output": ids}, (64, 64))
    assert f"class id {value}," in expected
    assert got == expected


@MASK_SIZES
def test_ids_in_the_padding_are_not_looked_at(kernel_bench: KernelBench, mask_size: MaskSize) -> None:
    ids = np.ones((1, 4, 4), np.int32)
    ids[0, 2:] = 77
    spec = model_spec(
        HeadKind.SEMANTIC_CLASS_IDS,
        ids.shape,
        dtype=TensorType.INT32,
        resize=Resize.LETTERBOX_TOP_LEFT,
        mask_size=mask_size,
    )
    assert_same(kernel_bench, spec, ids, (128, 64))
