"""End-to-end boxes: settled by metadata or graph, never by their shape, which RT-DETR has too."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.tiny_detectors import make_yolov10_onnx
from helpers.tiny_onnx import make_layout_onnx, ultralytics_metadata

from trt_perception.model.model_overrides import ModelOverrides
from trt_perception.model.model_spec import HeadKind
from trt_perception.model.preprocess_options import PreprocessOptions
from trt_perception.model.read_onnx import read_onnx
from trt_perception.model.recognise import Recognition, recognise

LABELS = {"": ("car", "bus", "person")}


def _recognise(path: Path, **overrides: object) -> Recognition:
    given = ModelOverrides(**overrides)  # type: ignore[arg-type]
    return recognise(read_onnx(path, shapes=given.shapes), given)


def _problems(recognition: Recognition) -> str:
    return " | ".join(map(str, recognition.problems))


EXPORTED = [
    pytest.param({"end2end": "True", "head": "v10Detect"}, id="yolov10"),
    pytest.param({"end2end": "True", "head": "Detect"}, id="yolo26"),
    pytest.param({"args": "{'nms': True}"}, id="nms"),
]


@pytest.mark.parametrize("metadata", EXPORTED)
def test_the_exporter_says_so(tmp_path: Path, metadata: dict[str, str]) -> None:
    outputs = {"output0": (1, 300, 6)}
    path = make_layout_onnx(tmp_path / "m.onnx", outputs=outputs, metadata=ultralytics_metadata(**metadata))
    recognition = _recognise(path)
    assert not recognition.problems
    assert recognition.assumptions == ()
    assert recognition.spec is not None
    (head,) = recognition.spec.heads
    assert (head.kind, head.labels) == (HeadKind.YOLOV10, ("thing_0", "thing_1", "thing_2"))
    assert recognition.spec.inputs[0].preprocess == PreprocessOptions()
    assert "300 finished boxes of 6 values; Ultralytics metadata says task=detect" in recognition.heads[0].reason


def test_the_graph_says_so(tmp_path: Path) -> None:
    recognition = _recognise(make_yolov10_onnx(tmp_path / "m.onnx"), labels=LABELS)
    assert not recognition.problems
    (head,) = recognition.heads
    assert (head.spec.kind, head.spec.outputs, head.spec.labels) == (HeadKind.YOLOV10, ("output0",), LABELS[""])
    assert "the best of corners times strides" in head.reason


def test_the_number_of_classes_is_not_in_it(tmp_path: Path) -> None:
    recognition = _recognise(make_yolov10_onnx(tmp_path / "m.onnx"))
    assert "expected labels, got none; its output does not tell the number of classes" in _problems(recognition)


@pytest.mark.parametrize("way", ["centres", "normalised"])
def test_boxes_of_another_meaning_are_not_taken_for_it(tmp_path: Path, way: str) -> None:
    recognition = _recognise(make_yolov10_onnx(tmp_path / "m.onnx", way=way), labels=LABELS)
    assert recognition.spec is None or recognition.spec.heads[0].kind is not HeadKind.YOLOV10


def test_the_shape_alone_goes_back_to_the_user(tmp_path: Path) -> None:
    path = make_layout_onnx(tmp_path / "m.onnx", outputs={"output0": (1, 300, 6)})
    recognition = _recognise(path, labels=LABELS)
    assert recognition.spec is None
    assert "--head output0=yolov10" in _problems(recognition)
    assert "nothing tells whether its boxes are x1 y1 x2 y2 in network pixels" in _problems(recognition)
    stated = _recognise(path, labels=LABELS, heads={"": HeadKind.YOLOV10})
    assert [head.spec.kind for head in stated.heads] == [HeadKind.YOLOV10]


def test_an_open_number_of_boxes_is_refused_with_what_helps(tmp_path: Path) -> None:
    path = make_layout_onnx(tmp_path / "m.onnx", outputs={"output0": (1, "boxes", 6)})  # type: ignore[dict-item]
    assert "--shape output0=1x300x6" in _problems(_recognise(path))


def test_one_class_over_every_cell_is_no_list_of_finished_boxes(tmp_path: Path) -> None:
    path = make_layout_onnx(tmp_path / "m.onnx", outputs={"output0": (1, 84, 6)})
    assert "yolov10" not in _problems(_recognise(path))


def test_rt_detr_of_the_same_exporter_is_not_claimed(tmp_path: Path) -> None:
    metadata = ultralytics_metadata(head="RTDETRDecoder")
    path = make_layout_onnx(tmp_path / "m.onnx", outputs={"output0": (1, 300, 6)}, metadata=metadata)
    recognition = _recognise(path)
    assert all(head.spec.kind is not HeadKind.YOLOV10 for head in recognition.heads)
    assert "yolov10" not in _problems(recognition)
