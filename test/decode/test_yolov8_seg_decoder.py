"""Instance masks are those of the family's own post-processing, written plainly: mix, sigmoid, resize, crop, 0.5."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import pytest
from helpers.model_specs import input_spec
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from trt_perception.decode.make_decoder import make_decoder
from trt_perception.errors import DropReason, FrameError, ModelError
from trt_perception.instance_detections import InstanceDetections
from trt_perception.model.model_spec import HeadKind, HeadSpec, MaskSize, ModelSpec, OutputSpec
from trt_perception.model.preprocess_options import Resize
from trt_perception.preprocess.image_transform import ImageTransform
from trt_perception.thresholds import Thresholds

CLASSES, MASKS, CELLS = 2, 5, 84


def spec_of(
    *, mask_size: MaskSize = MaskSize.CAMERA, grid: tuple[int, int] = (16, 16), cells: int = CELLS, **options: Any
) -> ModelSpec:
    return ModelSpec(
        name="tiny",
        model="tiny.onnx",
        inputs=(input_spec(64, 64, **options),),
        outputs=(
            OutputSpec(name="boxes", shape=(1, 4 + CLASSES + MASKS, cells)),
            OutputSpec(name="prototypes", shape=(1, MASKS, *grid)),
        ),
        heads=(
            HeadSpec(
                name="objects",
                kind=HeadKind.YOLOV8_SEG,
                outputs=("boxes", "prototypes"),
                labels=("car", "person"),
                mask_size=mask_size,
            ),
        ),
    )


def decode(
    spec: ModelSpec,
    boxes: NDArray[Any],
    prototypes: NDArray[Any],
    size: tuple[int, int] = (64, 64),
    thresholds: Thresholds | None = None,
) -> InstanceDetections:
    transform = ImageTransform.of(*size, spec.inputs[0])
    outputs = {"boxes": boxes[None], "prototypes": prototypes[None]}
    found = make_decoder(spec.heads[0], spec).decode(outputs, transform, thresholds or Thresholds())
    assert isinstance(found, InstanceDetections)
    return found


def random_outputs(seed: int, *, objects: int = 4) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Some objects anywhere, overlapping at times, with smooth masks."""
    random = np.random.default_rng(seed)
    boxes = np.zeros((4 + CLASSES + MASKS, CELLS), np.float32)
    for cell in random.choice(CELLS, objects, replace=False):
        boxes[:2, cell] = random.uniform(0, 64, 2)
        boxes[2:4, cell] = random.uniform(2, 60, 2)
        boxes[4 + random.integers(CLASSES), cell] = random.uniform(0.35, 1)
        boxes[4 + CLASSES :, cell] = random.normal(size=MASKS)
    return boxes, random.normal(size=(MASKS, 16, 16)).astype(np.float32)


SIZES = pytest.mark.parametrize(
    ("size", "options"),
    [
        ((64, 64), {}),
        ((128, 64), {}),
        ((90, 160), {}),
        ((100, 60), {"resize": Resize.STRETCH}),
        ((200, 100), {"crop": (20, 10, 128, 64)}),
    ],
    ids=["network_size", "letterbox_wide", "letterbox_tall", "stretch", "crop"],
)


@SIZES
@pytest.mark.parametrize("seed", range(5))
def test_the_masks_are_those_of_the_family(size: tuple[int, int], options: dict[str, Any], seed: int) -> None:
    spec = spec_of(**options)
    boxes, prototypes = random_outputs(seed)
    found = decode(spec, boxes, prototypes, size)
    assert len(found) > 1
    expected, doubtful = reference(boxes, prototypes, found, spec, size)
    assert found.instance_ids.shape == (size[1], size[0])
    assert doubtful.mean() < 0.01
    assert np.array_equal(found.instance_ids[~doubtful], expected[~doubtful])


def reference(
    boxes: NDArray[np.float32],
    prototypes: NDArray[np.float32],
    found: InstanceDetections,
    spec: ModelSpec,
    size: tuple[int, int],
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Ids of the found objects, and pixels so near 0.5 that float32 may decide either way.

    Each object's map is mixed, cut to the cells that hold some of the image, looked up between the four cells around
    each pixel's centre, put through the sigmoid, cut to the box, and compared with 0.5.
    """
    transform = ImageTransform.of(*size, spec.inputs[0])
    x, y, width, height = transform.crop
    x0, y0, x1, y1 = transform.network_region
    columns = (x0 + (np.arange(width) + 0.5) * (x1 - x0) / width).astype(np.float32)
    rows = (y0 + (np.arange(height) + 0.5) * (y1 - y0) / height).astype(np.float32)
    # remap counts from the first cell's centre, and a cell has four network pixels.
    at_x, at_y = np.meshgrid(columns / 4 - 0.5, rows / 4 - 0.5)
    at_x, at_y = np.clip(at_x, 0, 15), np.clip(at_y, 0, 15)
    expected = np.zeros((size[1], size[0]), np.uint8)
    doubtful = np.zeros(expected.shape, np.bool_)
    ys, xs = np.mgrid[: size[1], : size[0]]
    for number in reversed(range(len(found))):
        cell = int(np.flatnonzero(boxes[4 : 4 + CLASSES].max(axis=0) == found.scores[number])[0])
        logits = sum(boxes[4 + CLASSES + k, cell] * prototypes[k].astype(np.float64) for k in range(MASKS))
        map_x, map_y = np.floor(at_x).astype(int), np.floor(at_y).astype(int)
        u, v = at_x - map_x, at_y - map_y
        across = [i for i in range(16) if x0 < 4 * i + 4 and 4 * i < x1]
        along = [i for i in range(16) if y0 < 4 * i + 4 and 4 * i < y1]
        right, below = (np.clip(at + 1, ins[0], ins[-1]) for at, ins in ((map_x, across), (map_y, along)))
        map_x, map_y = (np.clip(at, ins[0], ins[-1]) for at, ins in ((map_x, across), (map_y, along)))
        values = (logits[map_y, map_x] * (1 - u) + logits[map_y, right] * u) * (1 - v)
        values += (logits[below, map_x] * (1 - u) + logits[below, right] * u) * v
        probability = np.zeros(expected.shape)
        probability[y : y + height, x : x + width] = 1 / (1 + np.exp(-values))
        left, top, end_x, end_y = found.boxes[number]
        inside = (xs >= left) & (xs < end_x) & (ys >= top) & (ys < end_y)
        expected[inside & (probability > 0.5)] = number + 1
        doubtful |= inside & (np.abs(probability - 0.5) < 1e-3)
    return expected, doubtful


def test_at_the_network_s_size_it_is_what_opencv_resizes() -> None:
    boxes, prototypes = random_outputs(3, objects=1)
    boxes[:4, boxes[4:6].max(axis=0) > 0] = [[32], [32], [64], [64]]
    found = decode(spec_of(), boxes, prototypes)
    cell = int(boxes[4:6].max(axis=0).argmax())
    logits = np.tensordot(boxes[6:, cell], prototypes, axes=1)
    resized = cv2.resize(logits, (64, 64), interpolation=cv2.INTER_LINEAR)
    decided = np.abs(resized) > 1e-4
    assert np.array_equal(found.instance_ids[decided], (resized > 0)[decided])


def test_the_better_object_has_the_pixels_that_two_claim() -> None:
    boxes = np.zeros((4 + CLASSES + MASKS, CELLS), np.float32)
    boxes[:, 10] = [24, 32, 32, 32, 0.6, 0, 1, 0, 0, 0, 0]
    boxes[:, 20] = [40, 32, 32, 32, 0, 0.9, 1, 0, 0, 0, 0]
    found = decode(spec_of(), boxes, np.ones((MASKS, 16, 16), np.float32))
    assert found.class_ids.tolist() == [1, 0]
    expected = np.zeros((64, 64), np.uint8)
    expected[16:48, 8:40] = 2
    expected[16:48, 24:56] = 1
    assert np.array_equal(found.instance_ids, expected)


@pytest.mark.parametrize(
    ("size", "rows", "columns"),
    [((64, 64), (0, 16), (0, 16)), ((64, 32), (4, 12), (0, 16)), ((20, 64), (0, 16), (5, 10))],
    ids=["whole", "wide", "tall"],
)
@pytest.mark.parametrize("seed", range(3))
def test_at_network_size_each_cell_of_the_image_is_decided(
    size: tuple[int, int], rows: tuple[int, int], columns: tuple[int, int], seed: int
) -> None:
    """Where image pixels are network pixels: a cell of four in the box, its mask above 0, no interpolation."""
    boxes, prototypes = random_outputs(seed, objects=6)
    spec = spec_of(mask_size=MaskSize.NETWORK)
    found = decode(spec, boxes, prototypes, size)
    assert len(found) > 1
    x0, y0 = ImageTransform.of(*size, spec.inputs[0]).network_region[:2]
    expected = np.zeros((16, 16), np.uint8)
    for number in reversed(range(len(found))):
        cell = int(np.flatnonzero(boxes[4 : 4 + CLASSES].max(axis=0) == found.scores[number])[0])
        left, top, right, bottom = found.boxes[number] + np.array([x0, y0, x0, y0])
        for row, column in np.ndindex(16, 16):
            inside = left <= 4 * column < right and top <= 4 * row < bottom
            if inside and boxes[4 + CLASSES :, cell] @ prototypes[:, row, column] > 0:
                expected[row, column] = number + 1
    assert np.array_equal(found.instance_ids, expected[slice(*rows), slice(*columns)])


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6), size=st.tuples(st.integers(1, 90), st.integers(1, 90)), dtype=st.sampled_from("fe"))
def test_pixels_lie_in_their_object_s_box(seed: int, size: tuple[int, int], dtype: str) -> None:
    boxes, prototypes = random_outputs(seed, objects=8)
    found = decode(spec_of(), boxes.astype(dtype), prototypes.astype(dtype), size)
    assert found.instance_ids.max() <= len(found)
    for number, (x1, y1, x2, y2) in enumerate(found.boxes):
        rows, columns = np.nonzero(found.instance_ids == number + 1)
        assert ((columns >= x1) & (columns < x2) & (rows >= y1) & (rows < y2)).all()


def test_at_most_255_objects_have_a_number() -> None:
    count = 4096 + 1024 + 256  # cells of 512 x 512
    spec = spec_of(cells=count)
    spec = replace(spec, inputs=(input_spec(512, 512),))
    boxes = np.zeros((4 + CLASSES + MASKS, count), np.float32)
    boxes[0, :300], boxes[1, :300] = np.arange(300) % 20 * 25 + 8, np.arange(300) // 20 * 30 + 8
    boxes[2:4, :300], boxes[4, :300] = 16, np.linspace(0.9, 0.5, 300)
    boxes[6, :300] = 1
    found = decode(spec, boxes, np.ones((MASKS, 16, 16), np.float32), (512, 512), Thresholds(max_detections=300))
    assert len(found) == 255
    assert np.array_equal(np.unique(found.instance_ids), np.arange(256))
    assert found.scores.min() == boxes[4, 254]


def test_nothing_found_is_an_empty_mask() -> None:
    found = decode(spec_of(), np.zeros((11, CELLS), np.float32), np.ones((MASKS, 16, 16), np.float32), (30, 20))
    assert len(found) == 0
    assert found.instance_ids.shape == (20, 30)
    assert not found.instance_ids.any()


@pytest.mark.parametrize("name", ["boxes", "prototypes"])
def test_an_output_that_is_not_finite_fails_by_name(name: str) -> None:
    boxes, prototypes = random_outputs(0)
    {"boxes": boxes, "prototypes": prototypes}[name].flat[7] = np.nan
    with pytest.raises(FrameError, match=repr(name)) as caught:
        decode(spec_of(), boxes, prototypes)
    assert caught.value.reason is DropReason.INFERENCE_FAILED


@pytest.mark.parametrize("mask_size", MaskSize, ids=lambda size: size.value)
def test_a_mask_that_overflows_fails(mask_size: MaskSize) -> None:
    boxes, prototypes = random_outputs(0, objects=1)
    boxes[6:, boxes[4:6].max(axis=0) > 0] = 3e37
    with pytest.raises(FrameError, match="overflow") as caught:
        decode(spec_of(mask_size=mask_size), boxes, np.full_like(prototypes, 3e37))
    assert caught.value.reason is DropReason.INFERENCE_FAILED


def _with_head(**changes: Any) -> ModelSpec:
    spec = spec_of()
    return replace(spec, heads=(replace(spec.heads[0], **changes),))


@pytest.mark.parametrize(
    ("spec", "problem"),
    [
        (_with_head(outputs=("boxes",)), r"reads 2 outputs, got 1: \['boxes'\]"),
        (_with_head(outputs=("prototypes", "boxes")), r"'boxes' must have shape \[1, k, h, w\]"),
        (_with_head(labels=("a", "b", "c")), r"'boxes' must have shape \[1, 12, n\] for 3 labels"),
        (_with_head(labels=()), "at least one label"),
        (_with_head(outputs=("boxes", "masks")), "'masks', which the model does not have"),
    ],
    ids=["one_output", "swapped", "labels", "no_labels", "no_such_output"],
)
def test_a_head_that_does_not_fit_is_refused(spec: ModelSpec, problem: str) -> None:
    with pytest.raises(ModelError, match=problem):
        make_decoder(spec.heads[0], spec)
