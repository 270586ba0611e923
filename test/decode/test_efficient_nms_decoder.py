"""EfficientNMS outputs and our decoder, against loops over the raw maps of the same graph."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from helpers.model_specs import model_spec
from helpers.tiny_detectors import STRIDES, make_efficient_nms_onnx
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from trt_perception.decode.make_decoder import make_decoder
from trt_perception.detections import Detections
from trt_perception.errors import DropReason, FrameError
from trt_perception.model.load_spec import load_spec
from trt_perception.model.model_overrides import ModelOverrides
from trt_perception.model.model_spec import HeadKind, HeadSpec, ModelSpec, OutputSpec, TensorType
from trt_perception.preprocess.image_transform import ImageTransform
from trt_perception.thresholds import Thresholds

NAMES = ("num_dets", "det_boxes", "det_scores", "det_classes")
LABELS = ("a", "b", "c")


def _spec(rows: int = 4) -> ModelSpec:
    shapes = ((1, 1), (1, rows, 4), (1, rows), (1, rows))
    dtypes = (TensorType.INT32, TensorType.FLOAT32, TensorType.FLOAT32, TensorType.INT32)
    base = model_spec(HeadKind.EFFICIENT_NMS, (1, 1))
    return ModelSpec(
        name="tiny",
        model="tiny.onnx",
        inputs=base.inputs,
        outputs=tuple(
            OutputSpec(name=name, shape=shape, dtype=dtype)
            for name, shape, dtype in zip(NAMES, shapes, dtypes, strict=True)
        ),
        heads=(HeadSpec(name="head", kind=HeadKind.EFFICIENT_NMS, outputs=NAMES, labels=LABELS),),
    )


def _tensors(count: int, *rows: tuple[float, ...]) -> dict[str, NDArray[Any]]:
    """Four rows; those not given are what a plugin leaves behind: NaN and no class."""
    values = np.full((4, 6), np.nan, np.float32)
    values[:, 5] = -1
    values[: len(rows)] = np.array(rows, np.float32).reshape(-1, 6)
    arrays = np.array([[count]], np.int32), values[None, :, :4], values[None, :, 4], values[None, :, 5].astype(np.int32)
    return dict(zip(NAMES, arrays, strict=True))


def _decode(
    spec: ModelSpec,
    tensors: dict[str, NDArray[Any]],
    limits: Thresholds | None = None,
    size: tuple[int, int] = (64, 64),
) -> Detections:
    decoder = make_decoder(spec.heads[0], spec)
    found = decoder.decode(tensors, ImageTransform.of(*size, spec.inputs[0]), limits or Thresholds())
    assert isinstance(found, Detections)
    return found


def test_objects_are_those_of_a_loop_over_the_raw_maps(tmp_path: Path) -> None:
    path = make_efficient_nms_onnx(tmp_path / "m.onnx")
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    image = np.random.default_rng(1).uniform(0, 0.3, (1, 3, 64, 64)).astype(np.float32)
    names = [output.name for output in session.get_outputs()]
    outputs = dict(zip(names, session.run(None, {"images": image}), strict=True))
    spec = load_spec(path, overrides=ModelOverrides(labels={"num_dets": LABELS}))
    found = _decode(spec, outputs, Thresholds(score=0.25))
    expected = _published(outputs["distances"][0], outputs["logits"][0])[:20]
    assert len(expected) > 3
    np.testing.assert_allclose(found.boxes, [row[:4] for row in expected], atol=1e-3)
    np.testing.assert_allclose(found.scores, [row[4] for row in expected], atol=1e-5)
    assert found.class_ids.tolist() == [row[5] for row in expected]


def test_only_as_many_rows_as_are_counted_are_read() -> None:
    rows = (1, 1, 9, 9, 0.9, 2), (2, 2, 9, 9, 0.8, 1)
    assert _decode(_spec(), _tensors(2, *rows)).class_ids.tolist() == [2, 1]
    assert _decode(_spec(), _tensors(1, *rows)).class_ids.tolist() == [2]
    assert len(_decode(_spec(), _tensors(0))) == 0


@pytest.mark.parametrize(
    ("count", "row", "problem"),
    [
        pytest.param(5, (1, 1, 9, 9, 0.9, 0), "'num_dets': 5 boxes, expected 0 to 4", id="count_too_large"),
        pytest.param(-1, (1, 1, 9, 9, 0.9, 0), "'num_dets': -1 boxes", id="negative_count"),
        pytest.param(1, (1, 1, 9, 9, 0.9, 3), "'det_classes': class number 3", id="no_such_class"),
        pytest.param(1, (1, np.nan, 9, 9, 0.9, 0), "'det_boxes': 1 of 4 values are NaN", id="nan_box"),
        pytest.param(1, (1, 1, 9, 9, np.inf, 0), "'det_scores': 1 of 1 values are NaN", id="infinite_score"),
    ],
)
def test_what_cannot_be_fails_by_name(count: int, row: tuple[float, ...], problem: str) -> None:
    with pytest.raises(FrameError, match=problem) as caught:
        _decode(_spec(), _tensors(count, row))
    assert caught.value.reason is DropReason.INFERENCE_FAILED


def test_limits_are_ours_as_well() -> None:
    tensors = _tensors(3, (1, 1, 9, 9, 0.9, 0), (1, 1, 9, 9, 0.5, 1), (1, 1, 9, 9, 0.4, 1))
    assert len(_decode(_spec(), tensors, Thresholds(score=0.6))) == 1
    assert len(_decode(_spec(), tensors, Thresholds(per_class={"b": 0.45}))) == 2
    assert len(_decode(_spec(), tensors, Thresholds(max_detections=1))) == 1


@given(
    box=st.tuples(*[st.floats(-20, 84, width=32)] * 4),
    size=st.sampled_from([(64, 64), (640, 360), (90, 160)]),
)
def test_a_box_lies_where_it_was_put(box: tuple[float, float, float, float], size: tuple[int, int]) -> None:
    found = _decode(_spec(), _tensors(1, (*box, 0.9, 1)), size=size)
    x0, y0, x1, y1 = ImageTransform.of(*size, _spec().inputs[0]).network_region
    scale = np.array([size[0] / (x1 - x0), size[1] / (y1 - y0)] * 2)
    expected = np.clip((np.array(box, np.float64) - [x0, y0, x0, y0]) * scale, 0, [*size, *size]).astype(np.float32)
    if expected[0] < expected[2] and expected[1] < expected[3]:
        np.testing.assert_allclose(found.boxes, [expected], atol=1e-3)
    else:
        assert len(found) == 0


def _published(
    distances: NDArray[np.float32], logits: NDArray[np.float32]
) -> list[tuple[float, float, float, float, float, int]]:
    """Boxes from the cells' centres by distances, limit 0.25, greedy NMS of each class at 0.45; in loops."""
    cells = [(x, y, stride) for stride in STRIDES for y in range(64 // stride) for x in range(64 // stride)]
    rows = []
    for cell, (x, y, stride) in enumerate(cells):
        left, top, right, bottom = (float(value) for value in distances[:, cell])
        sides = (x + 0.5 - left, y + 0.5 - top, x + 0.5 + right, y + 0.5 + bottom)
        for class_id in range(len(logits)):
            score = 1 / (1 + np.exp(-float(logits[class_id, cell])))
            if score > 0.25:
                rows.append((*(side * stride for side in sides), score, class_id))
    kept: list[Any] = []
    for one in sorted(rows, key=lambda row: -row[4]):
        if all(one[5] != other[5] or _overlap(one, other) <= 0.45 for other in kept):
            kept.append(one)
    return [(*(min(max(side, 0.0), 64.0) for side in one[:4]), one[4], one[5]) for one in kept]  # type: ignore[misc]


def _overlap(a: tuple[float, ...], b: tuple[float, ...]) -> float:
    common = max(0.0, min(a[2], b[2]) - max(a[0], b[0])) * max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
    return common / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - common)
