"""Masks have the class that an independent interpolation or look-up gives for every pixel."""

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from helpers.model_specs import model_spec
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from trt_perception.decode.make_decoder import make_decoder
from trt_perception.errors import DropReason, FrameError
from trt_perception.model.model_spec import HeadKind, MaskSize, ModelSpec, TensorType
from trt_perception.model.preprocess_options import Resize
from trt_perception.preprocess.image_transform import ImageTransform
from trt_perception.segmentation_mask import UNLABELLED, SegmentationMask
from trt_perception.thresholds import Thresholds


def decode(spec: ModelSpec, output: NDArray[Any], size: tuple[int, int]) -> NDArray[np.uint8]:
    transform = ImageTransform.of(*size, spec.inputs[0])
    mask = make_decoder(spec.heads[0], spec).decode({"output": output}, transform, Thresholds())
    assert isinstance(mask, SegmentationMask)
    return mask.class_ids


@st.composite
def cases(draw: st.DrawFn) -> tuple[tuple[int, int], dict[str, Any], tuple[int, int], int]:
    """Image size, options of the input (network size, resize, crop), size of the grid, seed."""
    width, height = draw(st.integers(1, 60)), draw(st.integers(1, 60))
    crop = None
    if draw(st.booleans()):
        x, y = draw(st.integers(0, width - 1)), draw(st.integers(0, height - 1))
        crop = (x, y, draw(st.integers(1, width - x)), draw(st.integers(1, height - y)))
    stride = draw(st.sampled_from([1, 2, 4, 8, 16, 32]))
    grid = (draw(st.integers(1, 8)), draw(st.integers(1, 8)))
    options = {
        "width": grid[1] * stride,
        "height": grid[0] * stride,
        "resize": draw(st.sampled_from(list(Resize))),
        "crop": crop,
    }
    return (width, height), options, grid, draw(st.integers(0, 10**6))


@settings(max_examples=150, deadline=None)
@given(case=cases(), classes=st.sampled_from([1, 2, 3, 7]), coarse=st.booleans())
def test_logits_are_interpolated_before_the_largest_wins(case: Any, classes: int, coarse: bool) -> None:
    size, options, grid, seed = case
    logits = np.random.default_rng(seed).normal(size=(classes, *grid)).astype(np.float32)
    if coarse:
        logits = np.rint(logits)  # equal logits are common then
    spec = model_spec(HeadKind.SEMANTIC_LOGITS, (1, classes, *grid), labels=max(2, classes), **options)
    mask = decode(spec, logits[None], size)
    expected, margin = interpolated(logits, spec, size)
    assert mask.shape == (size[1], size[0])
    decided = margin > 1e-4  # closer logits may swap places by float32 rounding
    assert np.array_equal(mask[decided], expected[decided])


@pytest.mark.parametrize("dtype", [TensorType.FLOAT32, TensorType.FLOAT16], ids=lambda dtype: dtype.value)
def test_a_class_that_is_second_everywhere_can_win_between(dtype: TensorType) -> None:
    """Class 2 is the largest in no cell, yet in the middle between two cells."""
    logits = np.array([[[[10, 0]], [[0, 10]], [[9, 9]]]][0], dtype.value)[None]
    spec = model_spec(HeadKind.SEMANTIC_LOGITS, (1, 3, 1, 2), dtype=dtype, width=16, height=8, resize=Resize.STRETCH)
    assert decode(spec, logits, (16, 1)).tolist() == [[0] * 5 + [2] * 6 + [1] * 5]


def test_one_channel_tells_two_labels_apart() -> None:
    spec = model_spec(HeadKind.SEMANTIC_LOGITS, (1, 1, 2, 2), labels=("background", "road"), width=2, height=2)
    logits = np.array([[[[0.0, 1e-6], [-5, 5]]]], np.float32)
    assert decode(spec, logits, (2, 2)).tolist() == [[0, 1], [0, 1]]


def test_a_binary_mask_is_decided_at_one_half() -> None:
    spec = model_spec(HeadKind.BINARY_MASK, (1, 1, 2, 2), labels=("background", "lane"), width=2, height=2)
    probabilities = np.array([[[[0.5, 0.501], [0.1, 0.9]]]], np.float32)
    assert decode(spec, probabilities, (2, 2)).tolist() == [[0, 1], [0, 1]]
    between = model_spec(
        HeadKind.BINARY_MASK, (1, 1, 1, 2), labels=2, width=8, height=4, resize=Resize.STRETCH, dtype=TensorType.FLOAT16
    )
    # 0.2 to 0.6: half is reached at three quarters of the way between the centres at 2 and 6.
    assert decode(between, np.array([[[[0.2, 0.6]]]], np.float16), (8, 1)).tolist() == [[0] * 5 + [1] * 3]


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_logits_that_are_not_finite_fail_by_name(value: float) -> None:
    spec = model_spec(HeadKind.SEMANTIC_LOGITS, (1, 3, 4, 4))
    logits = np.zeros((1, 3, 4, 4), np.float32)
    logits[0, 1, 2, 3] = value
    with pytest.raises(FrameError, match="'output'") as caught:
        decode(spec, logits, (64, 64))
    assert caught.value.reason is DropReason.INFERENCE_FAILED


DTYPES = pytest.mark.parametrize(
    "dtype", [TensorType.INT64, TensorType.INT32, TensorType.UINT8], ids=lambda dtype: dtype.value
)


@settings(max_examples=100, deadline=None)
@given(case=cases(), axes=st.integers(3, 4), dtype=st.sampled_from(["int64", "int32", "uint8"]))
def test_every_pixel_takes_the_class_of_the_cell_it_lies_in(case: Any, axes: int, dtype: str) -> None:
    size, options, grid, seed = case
    ids = np.random.default_rng(seed).choice([0, 1, 2, UNLABELLED], size=grid).astype(dtype)
    shape = (1, 1, *grid) if axes == 4 else (1, *grid)
    spec = model_spec(HeadKind.SEMANTIC_CLASS_IDS, shape, dtype=TensorType(dtype), **options)
    assert np.array_equal(decode(spec, ids.reshape(shape), size), looked_up(ids, spec, size))


@DTYPES
def test_ids_without_a_label_fail(dtype: TensorType) -> None:
    spec = model_spec(HeadKind.SEMANTIC_CLASS_IDS, (1, 4, 4), labels=3, dtype=dtype)
    ids = np.zeros((1, 4, 4), dtype.value)
    ids[0, 1, 1] = 3
    with pytest.raises(FrameError, match="class id 3, expected 0 to 2") as caught:
        decode(spec, ids, (64, 64))
    assert caught.value.reason is DropReason.INFERENCE_FAILED


def test_negative_ids_fail() -> None:
    spec = model_spec(HeadKind.SEMANTIC_CLASS_IDS, (1, 4, 4), labels=3, dtype=TensorType.INT32)
    with pytest.raises(FrameError, match="class id -1"):
        decode(spec, np.full((1, 4, 4), -1, np.int32), (64, 64))


def test_ids_in_the_padding_are_not_looked_at() -> None:
    spec = model_spec(
        HeadKind.SEMANTIC_CLASS_IDS, (1, 4, 4), labels=3, dtype=TensorType.INT32, resize=Resize.LETTERBOX_TOP_LEFT
    )
    ids = np.ones((1, 4, 4), np.int32)
    ids[0, 2:] = 77
    assert (decode(spec, ids, (128, 64)) == 1).all()


@pytest.mark.parametrize("kind", [HeadKind.SEMANTIC_LOGITS, HeadKind.SEMANTIC_CLASS_IDS], ids=lambda kind: kind.value)
def test_outside_the_crop_is_unlabelled(kind: HeadKind) -> None:
    logits = kind is HeadKind.SEMANTIC_LOGITS
    spec = model_spec(
        kind,
        (1, 3, 4, 4) if logits else (1, 4, 4),
        dtype=TensorType.FLOAT32 if logits else TensorType.INT32,
        crop=(10, 20, 30, 40),
    )
    output = np.zeros(spec.outputs[0].shape, spec.outputs[0].dtype.value)
    expected = np.full((100, 60), UNLABELLED)
    expected[20:60, 10:40] = 0
    assert np.array_equal(decode(spec, output, (60, 100)), expected)


@pytest.mark.parametrize("kind", [HeadKind.SEMANTIC_LOGITS, HeadKind.SEMANTIC_CLASS_IDS], ids=lambda kind: kind.value)
@pytest.mark.parametrize(
    ("size", "rows", "columns"),
    [((64, 64), (0, 8), (0, 8)), ((64, 32), (2, 6), (0, 8)), ((20, 64), (0, 8), (3, 5)), ((640, 1), (3, 4), (0, 8))],
    ids=["whole", "above_and_below", "left_and_right", "a_line"],
)
def test_at_network_size_the_padding_is_cut_off(
    kind: HeadKind, size: tuple[int, int], rows: tuple[int, int], columns: tuple[int, int]
) -> None:
    """Cells of 8 px whose centres lie in the letterboxed image."""
    ids = np.random.default_rng(0).integers(0, 3, (8, 8))
    logits = kind is HeadKind.SEMANTIC_LOGITS
    output = (ids == np.arange(3)[:, None, None])[None].astype(np.float32) if logits else ids[None]
    spec = model_spec(
        kind,
        output.shape,
        dtype=TensorType.FLOAT32 if logits else TensorType.INT64,
        mask_size=MaskSize.NETWORK,
        resize=Resize.LETTERBOX,
    )
    assert np.array_equal(decode(spec, output, size), ids[slice(*rows), slice(*columns)])


def pixel_in_cells(
    spec: ModelSpec, size: tuple[int, int], grid: tuple[int, int], x: int, y: int
) -> tuple[Fraction, Fraction]:
    """Where the centre of an image pixel lies in the grid: column and row, cell i from i to i + 1."""
    transform = ImageTransform.of(*size, spec.inputs[0])
    cx, cy, cw, ch = transform.crop
    x0, y0, x1, y1 = transform.network_region
    network_x = x0 + Fraction(2 * (x - cx) + 1, 2) * (x1 - x0) / cw
    network_y = y0 + Fraction(2 * (y - cy) + 1, 2) * (y1 - y0) / ch
    return network_x * grid[1] / spec.inputs[0].width, network_y * grid[0] / spec.inputs[0].height


def crop_pixels(spec: ModelSpec, size: tuple[int, int]) -> list[tuple[int, int]]:
    x, y, width, height = ImageTransform.of(*size, spec.inputs[0]).crop
    return [(column, row) for row in range(y, y + height) for column in range(x, x + width)]


def interpolated(
    logits: NDArray[np.float32], spec: ModelSpec, size: tuple[int, int]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Pixel by pixel on Python's floats: the class, and by how much it beat the next one."""
    classes, rows, columns = logits.shape
    expected = np.full((size[1], size[0]), UNLABELLED)
    margin = np.full(expected.shape, np.inf)
    for x, y in crop_pixels(spec, size):
        u, v = pixel_in_cells(spec, size, (rows, columns), x, y)
        u, v = (min(max(float(at) - 0.5, 0.0), count - 1.0) for at, count in ((u, columns), (v, rows)))
        left, top = math.floor(u), math.floor(v)
        right, bottom = min(left + 1, columns - 1), min(top + 1, rows - 1)
        values = [
            (1 - (v - top)) * ((1 - (u - left)) * float(plane[top, left]) + (u - left) * float(plane[top, right]))
            + (v - top) * ((1 - (u - left)) * float(plane[bottom, left]) + (u - left) * float(plane[bottom, right]))
            for plane in logits
        ]
        if classes == 1:
            expected[y, x], margin[y, x] = int(values[0] > 0), abs(values[0])
        else:
            best, second = sorted(values, reverse=True)[:2]
            expected[y, x], margin[y, x] = values.index(best), best - second
    return expected, margin


def looked_up(ids: NDArray[Any], spec: ModelSpec, size: tuple[int, int]) -> NDArray[np.int64]:
    expected = np.full((size[1], size[0]), UNLABELLED)
    for x, y in crop_pixels(spec, size):
        u, v = pixel_in_cells(spec, size, (ids.shape[0], ids.shape[1]), x, y)
        expected[y, x] = ids[math.floor(v), math.floor(u)]
    return expected
