"""YOLOX and YOLOv8 heads give the objects that a plain loop over all candidates gives."""

import math
from typing import Any

import numpy as np
import pytest
from helpers.model_specs import model_spec
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from trt_perception.decode.candidates import MAX_CANDIDATES
from trt_perception.decode.make_decoder import make_decoder
from trt_perception.detections import Detections
from trt_perception.errors import DropReason, FrameError
from trt_perception.model.model_spec import HeadKind, ModelSpec, TensorType
from trt_perception.model.preprocess_options import Resize
from trt_perception.preprocess.image_transform import ImageTransform
from trt_perception.thresholds import Thresholds

CLASSES = 3
CELLS = 64 + 16 + 4
KINDS = [HeadKind.YOLOX, HeadKind.YOLOX_DECODED, HeadKind.YOLOV8]
SHAPES = {
    HeadKind.YOLOX: (1, CELLS, 5 + CLASSES),
    HeadKind.YOLOX_DECODED: (1, CELLS, 5 + CLASSES),
    HeadKind.YOLOV8: (1, 4 + CLASSES, CELLS),
}
all_kinds = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.value)


def spec_of(kind: HeadKind, **options: Any) -> ModelSpec:
    return model_spec(kind, SHAPES[kind], labels=CLASSES, **options)


def decode(
    spec: ModelSpec, output: NDArray[Any], *, size: tuple[int, int] = (64, 64), thresholds: Thresholds | None = None
) -> Detections:
    transform = ImageTransform.of(*size, spec.inputs[0])
    found = make_decoder(spec.heads[0], spec).decode({"output": output}, transform, thresholds or Thresholds())
    assert isinstance(found, Detections)
    return found


def nothing(kind: HeadKind) -> NDArray[np.float32]:
    return np.zeros(SHAPES[kind], np.float32)


def put(
    kind: HeadKind, output: NDArray[Any], cell: int, box: tuple[float, float, float, float], score: float, class_id: int
) -> None:
    """Write a candidate: centre, width and height in network pixels."""
    if kind is HeadKind.YOLOV8:
        output[0, :4, cell] = box
        output[0, 4 + class_id, cell] = score
        return
    if kind is HeadKind.YOLOX:
        column, row, stride = grid()[cell]
        box = (box[0] / stride - column, box[1] / stride - row, math.log(box[2] / stride), math.log(box[3] / stride))
    output[0, cell, :4] = box
    output[0, cell, 4] = 1.0
    output[0, cell, 5 + class_id] = score


def grid() -> list[tuple[int, int, int]]:
    """Column, row and stride of the cells of a 64 x 64 input."""
    return [(column, row, s) for s in (8, 16, 32) for row in range(64 // s) for column in range(64 // s)]


@all_kinds
def test_a_box_comes_out_where_it_was_put(kind: HeadKind) -> None:
    output = nothing(kind)
    put(kind, output, 70, (30, 20, 10, 6), 0.875, 2)
    found = decode(spec_of(kind), output)
    assert np.allclose(found.boxes, [[25, 17, 35, 23]], atol=1e-4)
    assert found.scores.tolist() == [0.875]
    assert found.class_ids.tolist() == [2]


@all_kinds
def test_letterbox_and_crop_are_undone(kind: HeadKind) -> None:
    output = nothing(kind)
    put(kind, output, 3, (32, 32, 16, 8), 0.9, 0)
    spec = spec_of(kind, resize=Resize.LETTERBOX, crop=(100, 50, 320, 160))
    found = decode(spec, output, size=(640, 480))
    # 320 x 160 becomes 64 x 32, 16 px lower: 5 image px a network px.
    assert np.allclose(found.boxes, [[100 + 24 * 5, 50 + 12 * 5, 100 + 40 * 5, 50 + 20 * 5]], atol=1e-3)


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    kind=st.sampled_from(KINDS),
    dtype=st.sampled_from([np.float32, np.float16]),
    score=st.sampled_from([0.0, 0.2, 0.3, 0.5]),
    per_class=st.dictionaries(st.sampled_from(["class_0", "class_2"]), st.floats(0, 1)),
    size=st.sampled_from([(64, 64), (160, 90), (33, 77)]),
)
def test_objects_are_those_of_a_plain_loop(
    seed: int, kind: HeadKind, dtype: type, score: float, per_class: dict[str, float], size: tuple[int, int]
) -> None:
    random = np.random.default_rng(seed)
    output = np.zeros((CELLS, 5 + CLASSES), np.float32)
    output[:, :4] = random.uniform(-1, 2, (CELLS, 4)) if kind is HeadKind.YOLOX else random.uniform(1, 70, (CELLS, 4))
    output[:, 4:] = random.uniform(0, 1, (CELLS, 1 + CLASSES))
    if kind is HeadKind.YOLOV8:
        output = np.delete(output, 4, axis=1).T
    spec = spec_of(kind, dtype=TensorType(np.dtype(dtype).name), resize=[Resize.LETTERBOX, Resize.STRETCH][seed % 2])
    tensor: NDArray[Any] = np.ascontiguousarray(output[None]).astype(dtype)
    limits = Thresholds(score=score, per_class=per_class, max_detections=20)
    found = decode(spec, tensor, size=size, thresholds=limits)
    expected = plain_decode(kind, tensor[0].astype(np.float32), spec, size, limits)
    assert found.class_ids.tolist() == [row[5] for row in expected]
    assert found.scores.tolist() == [row[4] for row in expected]
    assert np.allclose(found.boxes, np.array([row[:4] for row in expected]).reshape(-1, 4), atol=2e-3)


@all_kinds
def test_the_best_class_alone_decides(kind: HeadKind) -> None:
    output = nothing(kind)
    put(kind, output, 0, (30, 30, 10, 10), 0.8, 0)
    put(kind, output, 0, (30, 30, 10, 10), 0.7, 1)
    spec = spec_of(kind)
    assert decode(spec, output).class_ids.tolist() == [0]
    assert len(decode(spec, output, thresholds=Thresholds(per_class={"class_0": 0.9, "class_1": 0.1}))) == 0


@all_kinds
def test_a_score_of_exactly_the_limit_is_enough(kind: HeadKind) -> None:
    output = nothing(kind)
    put(kind, output, 0, (30, 30, 10, 10), 0.3, 0)
    assert len(decode(spec_of(kind), output, thresholds=Thresholds(score=0.3))) == 1
    assert len(decode(spec_of(kind), output, thresholds=Thresholds(score=0.3001))) == 0


@all_kinds
def test_zeros_hold_no_object_even_without_a_limit(kind: HeadKind) -> None:
    assert len(decode(spec_of(kind), nothing(kind), thresholds=Thresholds(score=0.0))) == 0


@all_kinds
def test_boxes_are_clamped_and_those_outside_the_image_are_gone(kind: HeadKind) -> None:
    output = nothing(kind)
    put(kind, output, 0, (2, 20, 10, 4), 0.9, 0)  # partly left of the image
    put(kind, output, 1, (32, 4, 8, 6), 0.8, 1)  # all in the padding above it
    put(kind, output, 2, (30, 40, 1e-30, 5), 0.7, 2)  # no width
    found = decode(spec_of(kind, resize=Resize.LETTERBOX), output, size=(128, 64))
    assert np.allclose(found.boxes, [[0, 4, 14, 12]], atol=1e-3)


@all_kinds
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_an_output_that_is_not_finite_fails_by_name(kind: HeadKind, value: float) -> None:
    output = nothing(kind)
    output[0, 1, 3] = value
    with pytest.raises(FrameError, match="'output'") as caught:
        decode(spec_of(kind), output)
    assert caught.value.reason is DropReason.INFERENCE_FAILED


def test_infinities_that_cancel_are_found() -> None:
    output = nothing(HeadKind.YOLOX)
    output[0, 1, 3], output[0, 2, 3] = np.inf, -np.inf
    with pytest.raises(FrameError, match="2 of"):
        decode(spec_of(HeadKind.YOLOX), output)


@all_kinds
def test_finite_values_whose_sum_is_not_are_accepted(kind: HeadKind) -> None:
    output = nothing(kind)
    output[0, 0, 0] = output[0, 0, 1] = 3e38
    assert len(decode(spec_of(kind), output)) == 0


def test_a_size_beyond_floats_fails() -> None:
    output = nothing(HeadKind.YOLOX)
    put(HeadKind.YOLOX, output, 0, (30, 30, 10, 10), 0.9, 0)
    output[0, 0, 2] = 100.0
    with pytest.raises(FrameError, match="box") as caught:
        decode(spec_of(HeadKind.YOLOX), output)
    assert caught.value.reason is DropReason.INFERENCE_FAILED


@all_kinds
def test_the_caller_s_output_is_left_as_it_was(kind: HeadKind) -> None:
    output = np.random.default_rng(0).uniform(0, 1, SHAPES[kind]).astype(np.float32)
    before = output.copy()
    output.flags.writeable = False
    decode(spec_of(kind), output)
    assert np.array_equal(output, before)


def test_only_the_best_candidates_reach_nms() -> None:
    """One more than fits: the worst candidate, first in the output, is the one that is left out."""
    count = MAX_CANDIDATES + 1
    spec = model_spec(HeadKind.YOLOV8, (1, 5, count), labels=1, width=4096, height=64)
    output = np.zeros((1, 5, count), np.float32)
    output[0, 0], output[0, 1], output[0, 2:4] = np.arange(count) * 1.9 + 1, 32, 1
    output[0, 4] = 0.5 + np.arange(count) / 1e5
    found = decode(spec, output, size=(4096, 64), thresholds=Thresholds(max_detections=10**6))
    assert len(found) == MAX_CANDIDATES
    assert found.boxes[-1, 0] == pytest.approx(2.4)


def plain_decode(
    kind: HeadKind, output: NDArray[np.float32], spec: ModelSpec, size: tuple[int, int], limits: Thresholds
) -> list[tuple[float, float, float, float, float, int]]:
    rows = output.T if kind is HeadKind.YOLOV8 else output
    candidates = []
    for cell, row in enumerate(rows):
        scores = row[4:] if kind is HeadKind.YOLOV8 else row[5:] * row[4]
        class_id = int(np.argmax(scores))
        label = spec.heads[0].labels[class_id]
        if scores[class_id] < np.float32(limits.per_class.get(label, limits.score)) or scores[class_id] == 0:
            continue
        x, y, w, h = (float(value) for value in row[:4])
        if kind is HeadKind.YOLOX:
            column, line, stride = grid()[cell]
            x, y, w, h = (x + column) * stride, (y + line) * stride, math.exp(w) * stride, math.exp(h) * stride
        candidates.append((x - w / 2, y - h / 2, x + w / 2, y + h / 2, float(scores[class_id]), class_id))
    candidates.sort(key=lambda candidate: -candidate[4])
    x0, y0, x1, y1 = ImageTransform.of(*size, spec.inputs[0]).network_region
    kept: list[tuple[float, float, float, float, float, int]] = []
    for one in candidates:
        inside = max(one[0], x0) < min(one[2], x1) and max(one[1], y0) < min(one[3], y1)
        if inside and all(one[5] != other[5] or overlap(one, other) <= limits.nms_iou for other in kept):
            kept.append(one)
    across, down = size[0] / (x1 - x0), size[1] / (y1 - y0)
    return [
        (
            min(max((one[0] - x0) * across, 0), size[0]),
            min(max((one[1] - y0) * down, 0), size[1]),
            min(max((one[2] - x0) * across, 0), size[0]),
            min(max((one[3] - y0) * down, 0), size[1]),
            one[4],
            one[5],
        )
        for one in kept[: limits.max_detections]
    ]


def overlap(a: tuple[float, ...], b: tuple[float, ...]) -> float:
    common = max(0.0, min(a[2], b[2]) - max(a[0], b[0])) * max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
    return common / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - common)
