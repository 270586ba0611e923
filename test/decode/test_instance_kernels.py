"""Instance masks by kernels are those of the reference but where a mask is zero; on the GPU with `-m gpu`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from helpers.head_on_bench import by_decoder, by_kernels, problem_of
from helpers.kernel_bench import KernelBench
from helpers.model_specs import input_spec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from trt_perception.instance_detections import InstanceDetections
from trt_perception.model.model_spec import HeadKind, HeadSpec, MaskSize, ModelSpec, OutputSpec, TensorType
from trt_perception.model.preprocess_options import Resize
from trt_perception.thresholds import Thresholds

CLASSES, MASKS, CELLS = 3, 8, 84
TYPES = pytest.mark.parametrize("dtype", [TensorType.FLOAT32, TensorType.FLOAT16], ids=lambda dtype: dtype.value)
MASK_SIZES = pytest.mark.parametrize("mask_size", MaskSize, ids=lambda size: size.value)


def spec_of(
    *,
    mask_size: MaskSize = MaskSize.CAMERA,
    grid: tuple[int, int] = (16, 16),
    network: tuple[int, int] = (64, 64),
    dtype: TensorType = TensorType.FLOAT32,
    cells: int = CELLS,
    **options: Any,
) -> ModelSpec:
    """`grid` is height and width, `network` width and height."""
    return ModelSpec(
        name="tiny",
        model="tiny.onnx",
        inputs=(input_spec(*network, **options),),
        outputs=(
            OutputSpec(name="boxes", shape=(1, 4 + CLASSES + MASKS, cells), dtype=dtype),
            OutputSpec(name="prototypes", shape=(1, MASKS, *grid), dtype=dtype),
        ),
        heads=(
            HeadSpec(
                name="objects",
                kind=HeadKind.YOLOV8_SEG,
                outputs=("boxes", "prototypes"),
                labels=("car", "person", "dog"),
                mask_size=mask_size,
            ),
        ),
    )


def outputs_of(spec: ModelSpec, seed: int, *, objects: int, scale: int = 16) -> dict[str, NDArray[Any]]:
    """Objects anywhere, overlapping.

    Their coefficients and prototypes are multiples of 1 / scale, so small that sums of their products are exact in
    whatever order they are added: no result depends on it.
    """
    random = np.random.default_rng(seed)
    boxes, prototypes = spec.outputs
    width, height = spec.inputs[0].width, spec.inputs[0].height
    found = np.zeros(boxes.shape[1:])
    for cell in random.choice(boxes.shape[2], min(objects, boxes.shape[2]), replace=False):
        found[:2, cell] = random.uniform(0, (width, height))
        found[2:4, cell] = random.uniform(1, (0.9 * width, 0.9 * height))
        found[4 + random.integers(CLASSES), cell] = random.uniform(0.35, 1)
        found[4 + CLASSES :, cell] = random.integers(-2 * scale, 2 * scale, MASKS) / scale
    maps = random.integers(-scale, scale, prototypes.shape[1:]) / scale
    return {"boxes": found[None].astype(boxes.dtype.value), "prototypes": maps[None].astype(prototypes.dtype.value)}


def assert_same(
    bench: KernelBench,
    spec: ModelSpec,
    outputs: dict[str, NDArray[Any]],
    size: tuple[int, int],
    thresholds: Thresholds | None = None,
) -> InstanceDetections:
    expected, got = by_decoder(spec, outputs, size, thresholds), by_kernels(bench, spec, outputs, size, thresholds)
    assert isinstance(expected, InstanceDetections)
    assert isinstance(got, InstanceDetections)
    for name in ("boxes", "scores", "class_ids", "instance_ids"):
        assert np.array_equal(getattr(got, name), getattr(expected, name)), name
    return got


@st.composite
def cases(draw: st.DrawFn) -> tuple[tuple[int, int], dict[str, Any]]:
    """Image size, and options of the spec."""
    width, height = draw(st.integers(1, 150)), draw(st.integers(1, 150))
    crop = None
    if draw(st.booleans()):
        x, y = draw(st.integers(0, width - 1)), draw(st.integers(0, height - 1))
        crop = (x, y, draw(st.integers(1, width - x)), draw(st.integers(1, height - y)))
    grid = (draw(st.integers(1, 24)), draw(st.integers(1, 24)))
    return (width, height), {
        "grid": grid,
        "network": (4 * grid[1] + draw(st.integers(0, 3)), 4 * grid[0] + draw(st.integers(0, 3))),
        "resize": draw(st.sampled_from(list(Resize))),
        "crop": crop,
        "mask_size": draw(st.sampled_from(list(MaskSize))),
    }


@TYPES
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(case=cases(), objects=st.sampled_from([1, 4, 40]), seed=st.integers(0, 10**6))
def test_objects_of_any_image(kernel_bench: KernelBench, dtype: TensorType, case: Any, objects: int, seed: int) -> None:
    kernel_bench.clear()
    size, options = case
    spec = spec_of(dtype=dtype, **options)
    assert_same(kernel_bench, spec, outputs_of(spec, seed, objects=objects), size, Thresholds(nms_iou=0.9))


@MASK_SIZES
@pytest.mark.parametrize(
    ("size", "grid", "options"),
    [
        ((480, 270), (40, 64), {"network": (256, 160)}),
        ((20, 15), (160, 160), {"network": (640, 640)}),
        ((3, 2), (200, 300), {"network": (600, 400), "resize": Resize.STRETCH}),
        ((40, 500), (64, 64), {"network": (256, 256)}),
        ((300, 200), (64, 64), {"network": (256, 256), "crop": (33, 7, 201, 150)}),
    ],
    ids=["larger", "smaller", "much_smaller", "narrow", "crop"],
)
def test_tiles_fit_whatever_the_scale(
    kernel_bench: KernelBench, mask_size: MaskSize, size: tuple[int, int], grid: tuple[int, int], options: Any
) -> None:
    """Of images much smaller than the prototypes a large tile would lie between more cells than a block can hold."""
    spec = spec_of(mask_size=mask_size, grid=grid, **options)
    found = assert_same(kernel_bench, spec, outputs_of(spec, 1, objects=12), size, Thresholds(nms_iou=0.9))
    assert len(found) > 3
    assert found.instance_ids.any()


@MASK_SIZES
def test_rounding_decides_only_where_a_mask_is_zero(kernel_bench: KernelBench, mask_size: MaskSize) -> None:
    """Arbitrary numbers, whose sums depend on their order in the last bits."""
    spec = spec_of(mask_size=mask_size, grid=(40, 40), network=(160, 160))
    outputs = outputs_of(spec, 5, objects=20)
    random = np.random.default_rng(6)
    outputs["boxes"][0, 4 + CLASSES :] = random.normal(size=(MASKS, CELLS))
    outputs["prototypes"] = random.normal(size=(1, MASKS, 40, 40)).astype(np.float32)
    expected, got = by_decoder(spec, outputs, (400, 300)), by_kernels(kernel_bench, spec, outputs, (400, 300))
    assert isinstance(expected, InstanceDetections)
    assert isinstance(got, InstanceDetections)
    assert (got.instance_ids != expected.instance_ids).mean() < 1e-4


@MASK_SIZES
def test_at_most_255_objects_have_a_number(kernel_bench: KernelBench, mask_size: MaskSize) -> None:
    spec = spec_of(mask_size=mask_size, network=(512, 512), grid=(128, 128), cells=600)
    boxes = np.zeros((1, 4 + CLASSES + MASKS, 600), np.float32)
    index = np.arange(300)
    boxes[0, :2, :300] = index % 20 * 25 + 8, index // 20 * 30 + 8
    boxes[0, 2:4, :300], boxes[0, 4, :300], boxes[0, 4 + CLASSES, :300] = 16, np.linspace(0.9, 0.5, 300), 1
    outputs = {"boxes": boxes, "prototypes": np.ones((1, MASKS, 128, 128), np.float32)}
    found = assert_same(kernel_bench, spec, outputs, (512, 512), Thresholds(max_detections=300))
    assert len(found) == 255
    assert np.array_equal(np.unique(found.instance_ids), np.arange(256))


@MASK_SIZES
def test_nothing_found_is_an_empty_mask(kernel_bench: KernelBench, mask_size: MaskSize) -> None:
    spec = spec_of(mask_size=mask_size)
    found = assert_same(kernel_bench, spec, outputs_of(spec, 0, objects=0), (30, 20))
    assert not found.instance_ids.any()


@TYPES
@pytest.mark.parametrize("name", ["boxes", "prototypes"])
def test_an_output_that_is_not_finite_fails_in_the_same_words(
    kernel_bench: KernelBench, dtype: TensorType, name: str
) -> None:
    spec = spec_of(dtype=dtype)
    outputs = outputs_of(spec, 0, objects=4)
    outputs[name].flat[[7, outputs[name].size - 1]] = np.nan
    got, expected = problem_of(kernel_bench, spec, outputs, (64, 64))
    assert f"{name!r}: 2 of" in expected
    assert got == expected


@MASK_SIZES
def test_a_mask_that_overflows_fails_in_the_same_words(kernel_bench: KernelBench, mask_size: MaskSize) -> None:
    spec = spec_of(mask_size=mask_size)
    outputs = outputs_of(spec, 0, objects=1)
    found = outputs["boxes"][0, 4:7].max(axis=0).argmax()
    outputs["boxes"][0, :4, found], outputs["boxes"][0, 7:, found] = (32, 32, 40, 40), 3e37
    outputs["prototypes"][...] = 3e37
    got, expected = problem_of(kernel_bench, spec, outputs, (64, 64))
    assert "overflow" in expected
    assert got == expected


def test_types_of_the_outputs_may_differ(kernel_bench: KernelBench) -> None:
    spec = spec_of()
    boxes, prototypes = spec.outputs
    spec = replace(spec, outputs=(replace(boxes, dtype=TensorType.FLOAT16), prototypes))
    assert_same(kernel_bench, spec, outputs_of(spec, 2, objects=8), (90, 70))
