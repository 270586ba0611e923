"""YOLOv5 and YOLOv7: told from YOLOX by three predictions a cell, from each other by their arithmetic."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.tiny_detectors import make_yolov5_onnx
from helpers.tiny_onnx import make_layout_onnx

from trt_perception.model.model_overrides import ModelOverrides
from trt_perception.model.model_spec import HeadKind
from trt_perception.model.preprocess_options import ChannelOrder, PreprocessOptions, Resize
from trt_perception.model.read_onnx import read_onnx
from trt_perception.model.recognise import Recognition, recognise

YOLOV5_METADATA = {"stride": "32", "names": "{0: 'car', 1: 'bus', 2: 'person'}"}


def _recognise(path: Path, **overrides: object) -> Recognition:
    return recognise(read_onnx(path), ModelOverrides(**overrides))  # type: ignore[arg-type]


RECOGNISED = [
    pytest.param({"metadata": YOLOV5_METADATA}, HeadKind.YOLOV5, "YOLOv5 metadata says 3 names", id="metadata"),
    pytest.param(
        {}, HeadKind.YOLOV5, "252 predictions = 3 x (8x8 + 4x4 + 2x2); centre a sum by the stride", id="graph"
    ),
    pytest.param({"way": "scatter"}, HeadKind.YOLOV5, "by assignment to columns", id="scatter"),
    pytest.param({"way": "yolov7"}, HeadKind.YOLOV7, "centre a product plus the cell", id="yolov7"),
    pytest.param({"classes": 1}, HeadKind.YOLOV5, "5 + 1 classes", id="one_class"),
    pytest.param({"classes": 1, "way": "yolov7"}, HeadKind.YOLOV7, "5 + 1 classes", id="yolov7_one_class"),
]


@pytest.mark.parametrize(("arguments", "kind", "reason"), RECOGNISED)
def test_recognises(tmp_path: Path, arguments: dict[str, object], kind: HeadKind, reason: str) -> None:
    recognition = _recognise(make_yolov5_onnx(tmp_path / "m.onnx", **arguments))  # type: ignore[arg-type]
    assert not recognition.problems
    (head,) = recognition.heads
    assert (head.spec.kind, head.spec.outputs, head.spec.strides) == (kind, ("output0",), (8, 16, 32))
    assert len(head.spec.labels) == arguments.get("classes", 3)
    assert reason in head.reason


def test_images_are_prepared_as_its_repositories_do(tmp_path: Path) -> None:
    recognition = _recognise(make_yolov5_onnx(tmp_path / "m.onnx", metadata=YOLOV5_METADATA))
    assert recognition.assumptions == ()
    assert recognition.spec is not None
    assert recognition.spec.heads[0].labels == ("car", "bus", "person")
    assert recognition.spec.inputs[0].preprocess == PreprocessOptions(
        resize=Resize.LETTERBOX, channel_order=ChannelOrder.RGB, scale=1 / 255, pad_value=114
    )


def test_raw_maps_beside_the_joined_output_are_left_unread(tmp_path: Path) -> None:
    recognition = _recognise(make_yolov5_onnx(tmp_path / "m.onnx", raw_maps=True))
    assert not recognition.problems
    assert [head.spec.outputs for head in recognition.heads] == [("output0",)]
    assert any("output 'raw_8' is not read" in text for text in recognition.assumptions)


REFUSED = [
    pytest.param({"output": (1, 252, 8)}, None, "may be yolov5 (", "--head output=yolov5", id="of_other_making"),
    pytest.param(
        {"output": (1, 252, 6)},
        None,
        "cannot be told apart: yolov5, yolov7",
        "--head output=yolov5 or --head output=yolov7",
        id="one_class_of_other_making",
    ),
    pytest.param(
        {"output": (1, 252, 40), "protos": (1, 32, 16, 16)},
        YOLOV5_METADATA,
        "instance segmentation (YOLOv5-seg)",
        "export a detection model",
        id="instance_segmentation",
    ),
    pytest.param(
        {"a": (1, 3, 8, 8, 8), "b": (1, 3, 4, 4, 8), "c": (1, 3, 2, 2, 8)},
        None,
        "YOLOv5 or YOLOv7 without its last layer: not supported",
        "export.py --grid",
        id="raw_maps",
    ),
]


@pytest.mark.parametrize(("outputs", "metadata", "problem", "more"), REFUSED)
def test_refuses_by_name(
    tmp_path: Path, outputs: dict[str, tuple[int, ...]], metadata: dict[str, str] | None, problem: str, more: str
) -> None:
    recognition = _recognise(make_layout_onnx(tmp_path / "m.onnx", outputs=outputs, metadata=metadata))
    assert recognition.spec is None
    text = " | ".join(map(str, recognition.problems))
    assert problem in text
    assert more in text


def test_what_nothing_decodes_is_not_taken_for_it(tmp_path: Path) -> None:
    recognition = _recognise(make_yolov5_onnx(tmp_path / "m.onnx", way="raw"))
    assert recognition.spec is None
    assert "may be yolov5" in str(recognition.problems[0])


@pytest.mark.parametrize("kind", [HeadKind.YOLOV5, HeadKind.YOLOV7], ids=lambda kind: kind.value)
def test_the_user_has_the_last_word(tmp_path: Path, kind: HeadKind) -> None:
    path = make_layout_onnx(tmp_path / "m.onnx", outputs={"output": (1, 252, 6)})
    recognition = _recognise(path, heads={"": kind})
    assert [head.spec.kind for head in recognition.heads] == [kind]
