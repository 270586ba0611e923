"""End-to-end boxes: a YOLOv10 graph and our decoder, against the best pairs of box and class of its raw maps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from helpers.model_specs import model_spec
from helpers.tiny_detectors import STRIDES, make_yolov10_onnx
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from trt_perception.decode.make_decoder import make_decoder
from trt_perception.detections import Detections
from trt_perception.errors import DropReason, FrameError
from trt_perception.model.load_spec import load_spec
from trt_perception.model.model_overrides import ModelOverrides
from trt_perception.model.model_spec import HeadKind, ModelSpec
from trt_perception.model.preprocess_options import Resize
from trt_perception.preprocess.image_transform import ImageTransform
from trt_perception.thresholds import Thresholds

SPEC = model_spec(HeadKind.YOLOV10, (1, 5, 6))


def _decode(
    spec: ModelSpec, output: NDArray[Any], limits: Thresholds | None = None, size: tuple[int, int] = (64, 64)
) -> Detections:
    decoder = make_decoder(spec.heads[0], spec)
    name = spec.heads[0].outputs[0]
    found = decoder.decode({name: output}, ImageTransform.of(*size, spec.inputs[0]), limits or Thresholds())
    assert isinstance(found, Detections)
    return found


def _rows(*rows: tuple[float, ...]) -> NDArray[np.float32]:
    output = np.zeros((1, 5, 6), np.float32)
    output[0, : len(rows)] = rows
    return output


def test_objects_are_the_best_pairs_of_the_raw_maps(tmp_path: Path) -> None:
    path = make_yolov10_onnx(tmp_path / "m.onnx", raw_maps=True)
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    image = np.random.default_rng(1).uniform(0, 0.3, (1, 3, 64, 64)).astype(np.float32)
    output, distances, logits = session.run(["output0", "distances", "logits"], {"images": image})
    spec = load_spec(path, overrides=ModelOverrides(labels={"output0": ("a", "b", "c")}))
    found = _decode(spec, output, Thresholds(score=0.0))
    expected = _published(distances[0], logits[0], count=20)
    assert len(expected) > 3
    np.testing.assert_allclose(found.boxes, [row[:4] for row in expected], atol=1e-3)
    np.testing.assert_allclose(found.scores, [row[4] for row in expected], atol=1e-5)
    assert found.class_ids.tolist() == [row[5] for row in expected]


def test_nothing_is_merged_and_the_best_come_first() -> None:
    found = _decode(SPEC, _rows((1, 1, 9, 9, 0.5, 2), (1, 1, 9, 9, 0.9, 2), (1, 1, 9, 9, 0.7, 0)))
    np.testing.assert_allclose(found.scores, [0.9, 0.7, 0.5])
    assert found.class_ids.tolist() == [2, 0, 2]


def test_limits_of_classes_and_of_the_count() -> None:
    output = _rows((1, 1, 9, 9, 0.5, 0), (2, 2, 9, 9, 0.5, 1), (3, 3, 9, 9, 0.6, 2), (4, 4, 9, 9, 0.2, 1))
    limits = Thresholds(per_class={"class_0": 0.6, "class_1": 0.2})
    assert _decode(SPEC, output, limits).class_ids.tolist() == [2, 1, 1]
    assert _decode(SPEC, output, Thresholds(max_detections=1)).class_ids.tolist() == [2]


def test_boxes_of_the_padding_and_without_area_are_gone() -> None:
    spec = model_spec(HeadKind.YOLOV10, (1, 5, 6), resize=Resize.LETTERBOX)
    output = _rows((0, 0, 60, 10, 0.9, 0), (20, 20, 20, 30, 0.9, 0), (30, 30, 20, 20, 0.9, 0), (-4, 20, 8, 24, 0.8, 1))
    found = _decode(spec, output, size=(128, 64))  # 64 x 32 network px, 16 lower
    np.testing.assert_allclose(found.boxes, [[0, 8, 16, 16]])


def test_rows_that_fill_up_are_not_looked_at() -> None:
    assert len(_decode(SPEC, _rows((1, 1, 9, 9, 0.0, -1), (1, 1, 9, 9, -1, 99)), Thresholds(score=0.0))) == 0


@pytest.mark.parametrize("number", [3.0, -1.0, 0.5], ids=["too_large", "negative", "no_whole_number"])
def test_a_class_that_does_not_exist_fails(number: float) -> None:
    with pytest.raises(FrameError, match=r"'output': class number .* from 0 to 2") as caught:
        _decode(SPEC, _rows((1, 1, 9, 9, 0.9, number)))
    assert caught.value.reason is DropReason.INFERENCE_FAILED


@pytest.mark.parametrize("value", [np.nan, np.inf], ids=["nan", "inf"])
def test_an_output_that_is_not_finite_fails(value: float) -> None:
    with pytest.raises(FrameError, match="1 of 30 values"):
        _decode(SPEC, _rows((1, value, 9, 9, 0.9, 0)))


@given(
    box=st.tuples(*[st.floats(-20, 84, width=32)] * 4),
    size=st.sampled_from([(64, 64), (640, 360), (90, 160)]),
    resize=st.sampled_from([Resize.LETTERBOX, Resize.LETTERBOX_TOP_LEFT, Resize.STRETCH]),
)
def test_a_box_lies_where_it_was_put(
    box: tuple[float, float, float, float], size: tuple[int, int], resize: Resize
) -> None:
    spec = model_spec(HeadKind.YOLOV10, (1, 5, 6), resize=resize)
    found = _decode(spec, _rows((*box, 0.9, 1)), size=size)
    x0, y0, x1, y1 = ImageTransform.of(*size, spec.inputs[0]).network_region
    scale = np.array([size[0] / (x1 - x0), size[1] / (y1 - y0)] * 2)
    expected = np.clip((np.array(box, np.float64) - [x0, y0, x0, y0]) * scale, 0, [*size, *size]).astype(np.float32)
    if expected[0] < expected[2] and expected[1] < expected[3]:
        np.testing.assert_allclose(found.boxes, [expected], atol=1e-3)
    else:
        assert len(found) == 0


def _published(
    distances: NDArray[np.float32], logits: NDArray[np.float32], *, count: int
) -> list[tuple[float, float, float, float, float, int]]:
    """The `count` best pairs of cell and class; a box from its cell's centre by four distances in cells; in loops."""
    cells = [(x, y, stride) for stride in STRIDES for y in range(64 // stride) for x in range(64 // stride)]
    pairs = [
        (1 / (1 + np.exp(-float(logits[class_id, cell]))), cell, class_id)
        for cell in range(len(cells))
        for class_id in range(len(logits))
    ]
    rows = []
    for score, cell, class_id in sorted(pairs, key=lambda pair: -pair[0])[:count]:
        x, y, stride = cells[cell]
        left, top, right, bottom = (float(value) for value in distances[:, cell])
        sides = ((x + 0.5 - left), (y + 0.5 - top), (x + 0.5 + right), (y + 0.5 + bottom))
        x1, y1, x2, y2 = (min(max(side * stride, 0.0), 64.0) for side in sides)
        if x1 < x2 and y1 < y2:
            rows.append((x1, y1, x2, y2, score, class_id))
    return rows
