"""YOLOv5 and YOLOv7 graphs and our decoder, against their published arithmetic on the maps before it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from helpers.model_specs import model_spec
from helpers.tiny_detectors import ANCHORS, STRIDES, make_yolov5_onnx
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from trt_perception.decode.make_decoder import make_decoder
from trt_perception.detections import Detections
from trt_perception.errors import DropReason, FrameError
from trt_perception.model.load_spec import load_spec
from trt_perception.model.model_spec import HeadKind, ModelSpec
from trt_perception.preprocess.image_transform import ImageTransform
from trt_perception.thresholds import Thresholds

Row = tuple[float, float, float, float, float, int]
"""x1 y1 x2 y2, score, class."""


def _decode(spec: ModelSpec, outputs: dict[str, NDArray[Any]], limits: Thresholds, size: tuple[int, int]) -> Detections:
    found = make_decoder(spec.heads[0], spec).decode(outputs, ImageTransform.of(*size, spec.inputs[0]), limits)
    assert isinstance(found, Detections)
    return found


@pytest.mark.parametrize("classes", [1, 3], ids=["one_class", "three_classes"])
@pytest.mark.parametrize("way", ["yolov5", "yolov7", "scatter"])
def test_objects_are_those_of_the_published_formulas(tmp_path: Path, way: str, classes: int) -> None:
    path = make_yolov5_onnx(tmp_path / "m.onnx", way=way, classes=classes, raw_maps=True)
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    image = np.random.default_rng(1).uniform(0, 0.3, (1, 3, 64, 64)).astype(np.float32)
    names = [output.name for output in session.get_outputs()]
    outputs = dict(zip(names, session.run(None, {"images": image}), strict=True))
    limits = Thresholds(score=0.2, nms_iou=0.5)
    found = _decode(load_spec(path), outputs, limits, (64, 64))
    expected = _published(outputs, limits, is_objectness_alone=way == "yolov7" and classes == 1)
    assert len(expected) > 3
    np.testing.assert_allclose(found.boxes, [row[:4] for row in expected], atol=1e-3)
    np.testing.assert_allclose(found.scores, [row[4] for row in expected], atol=1e-5)
    assert found.class_ids.tolist() == [row[5] for row in expected]


def test_objectness_alone_is_the_score_of_one_class_of_yolov7() -> None:
    output = np.zeros((1, 252, 6), np.float32)
    output[0, 9] = 30, 20, 10, 6, 0.75, 0.5
    scores = {}
    for kind in (HeadKind.YOLOV5, HeadKind.YOLOV7):
        spec = model_spec(kind, output.shape, labels=1)
        scores[kind] = _decode(spec, {"output": output}, Thresholds(), (64, 64)).scores.tolist()
    assert scores == {HeadKind.YOLOV5: [0.375], HeadKind.YOLOV7: [0.75]}


@given(
    box=st.tuples(*[st.floats(0, 64, width=32)] * 2, *[st.floats(0.5, 64, width=32)] * 2),
    size=st.sampled_from([(64, 64), (640, 360), (90, 160)]),
    kind=st.sampled_from([HeadKind.YOLOV5, HeadKind.YOLOV7]),
)
def test_a_box_lies_where_it_was_put(
    box: tuple[float, float, float, float], size: tuple[int, int], kind: HeadKind
) -> None:
    output = np.zeros((1, 252, 7), np.float32)
    output[0, 100] = *box, 1.0, 0.1, 0.9
    spec = model_spec(kind, output.shape, labels=2)
    found = _decode(spec, {"output": output}, Thresholds(), size)
    x0, y0, x1, y1 = ImageTransform.of(*size, spec.inputs[0]).network_region
    x, y, w, h = box
    corners = np.array([x - w / 2 - x0, y - h / 2 - y0, x + w / 2 - x0, y + h / 2 - y0])
    scaled = corners * np.array([size[0] / (x1 - x0), size[1] / (y1 - y0)] * 2)
    expected = np.clip(scaled, 0, [*size, *size])
    if expected[2] - expected[0] < 1e-2 or expected[3] - expected[1] < 1e-2:
        return  # at most a hair of it is inside
    np.testing.assert_allclose(found.boxes, [expected], atol=1e-2)
    assert found.class_ids.tolist() == [1]


@pytest.mark.parametrize("value", [np.nan, np.inf], ids=["nan", "inf"])
def test_an_output_that_is_not_finite_fails(value: float) -> None:
    output = np.zeros((1, 252, 7), np.float32)
    output[0, 3, 1] = value
    with pytest.raises(FrameError, match="'output'") as caught:
        _decode(model_spec(HeadKind.YOLOV5, output.shape, labels=2), {"output": output}, Thresholds(), (64, 64))
    assert caught.value.reason is DropReason.INFERENCE_FAILED


def _published(outputs: dict[str, NDArray[Any]], limits: Thresholds, *, is_objectness_alone: bool) -> list[Row]:
    """Centre (2 s - 0.5 + cell) x stride, size (2 s)^2 x anchor, greedy NMS a class; in loops, from the raw maps."""
    rows: list[Row] = []
    for stride in STRIDES:
        values = 1 / (1 + np.exp(-outputs[f"raw_{stride}"][0].astype(np.float64)))
        for anchor, row, column in np.ndindex(values.shape[:3]):
            cell = values[anchor, row, column]
            x, y = (2 * cell[:2] - 0.5 + (column, row)) * stride
            w, h = (2 * cell[2:4]) ** 2 * ANCHORS[anchor] * stride
            best = int(cell[5:].argmax())
            score = float(cell[4] if is_objectness_alone else cell[4] * cell[5 + best])
            corners = (max(x - w / 2, 0), max(y - h / 2, 0), min(x + w / 2, 64), min(y + h / 2, 64))
            if score >= limits.score and corners[0] < corners[2] and corners[1] < corners[3]:
                rows.append((*corners, score, best, x - w / 2, y - h / 2, x + w / 2, y + h / 2))  # type: ignore[arg-type]
    kept: list[Any] = []
    for one in sorted(rows, key=lambda row: -row[4]):
        if all(one[5] != other[5] or _overlap(one[6:], other[6:]) <= limits.nms_iou for other in kept):
            kept.append(one)
    return [one[:6] for one in kept]


def _overlap(a: tuple[float, ...], b: tuple[float, ...]) -> float:
    common = max(0.0, min(a[2], b[2]) - max(a[0], b[0])) * max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
    return common / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - common)
