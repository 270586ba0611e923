"""EfficientNMS: four outputs that are one head, by the plugin, by their names, or as the user says."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest
from helpers.tiny_detectors import make_efficient_nms_onnx
from helpers.tiny_onnx import make_layout_onnx

from trt_perception.model.model_overrides import ModelOverrides
from trt_perception.model.model_spec import HeadKind
from trt_perception.model.read_onnx import read_onnx
from trt_perception.model.recognise import Recognition, recognise

LABELS = {"": ("car", "bus", "person")}
NAMES = ("num_dets", "det_boxes", "det_scores", "det_classes")
SHAPES: tuple[tuple[int, ...], ...] = ((1, 1), (1, 50, 4), (1, 50), (1, 50))


def _recognise(path: Path, **overrides: object) -> Recognition:
    return recognise(read_onnx(path), ModelOverrides(**overrides))  # type: ignore[arg-type]


def _problems(recognition: Recognition) -> str:
    return " | ".join(map(str, recognition.problems))


def _of_other_names(path: Path, names: tuple[str, ...]) -> Path:
    """A model whose outputs are in another order, too."""
    outputs = dict(zip(names, SHAPES, strict=True))
    shuffled = {name: outputs[name] for name in sorted(outputs)}
    return make_layout_onnx(path, outputs=shuffled, integers=[names[0], names[3]])


def test_the_plugin_tells_all_but_the_labels(tmp_path: Path) -> None:
    recognition = _recognise(make_efficient_nms_onnx(tmp_path / "m.onnx", plugin=True))
    assert not recognition.problems
    (head,) = recognition.heads
    assert (head.spec.name, head.spec.kind, head.spec.outputs) == ("detection", HeadKind.EFFICIENT_NMS, NAMES)
    assert head.spec.labels == ("class_0", "class_1", "class_2")
    assert "at most 20 finished boxes, 3 classes" in head.reason


def test_sizes_that_are_written_as_texts_are_known(tmp_path: Path) -> None:
    path = make_efficient_nms_onnx(tmp_path / "m.onnx", plugin=True)
    model = onnx.load(str(path))
    for output in model.graph.output:  # as YOLOv7's export.py --end2end leaves them
        for size in output.type.tensor_type.shape.dim:
            size.dim_param = str(size.dim_value)
    onnx.save(model, str(path))
    recognition = _recognise(path)
    assert not recognition.problems
    assert recognition.heads[0].spec.kind is HeadKind.EFFICIENT_NMS


@pytest.mark.parametrize("batch", ["batch", "another"], ids=["as_the_input", "of_its_own"])
def test_an_open_batch_is_closed_with_the_input_s(tmp_path: Path, batch: str) -> None:
    path = make_efficient_nms_onnx(tmp_path / "m.onnx", plugin=True)
    model = onnx.load(str(path))
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_param = "batch"
    for output in model.graph.output:
        output.type.tensor_type.shape.dim[0].dim_param = batch
    onnx.save(model, str(path))
    assert "--shape images=1x3x64x64" in _problems(_recognise(path))
    recognition = recognise(read_onnx(path, shapes={"images": (1, 3, 64, 64)}))
    if batch == "batch":
        assert not recognition.problems
        assert [head.spec.kind for head in recognition.heads] == [HeadKind.EFFICIENT_NMS]
    else:
        assert "--shape num_dets=?x1 --shape det_boxes=?x20x4" in _problems(recognition)


def test_the_plugin_tells_the_order_of_outputs_of_any_name(tmp_path: Path) -> None:
    path = make_efficient_nms_onnx(tmp_path / "m.onnx", plugin=True)
    model = onnx.load(str(path))
    for number, output in enumerate(model.graph.output):
        output.name = model.graph.node[-1].output[number] = f"out_{4 - number}"
    onnx.save(model, str(path))
    recognition = _recognise(path)
    assert not recognition.problems
    assert recognition.heads[0].spec.outputs == ("out_4", "out_3", "out_2", "out_1")
    assert "made by EfficientNMS_TRT" in recognition.heads[0].reason


def test_the_names_say_so_where_the_plugin_is_replaced(tmp_path: Path) -> None:
    path = _of_other_names(tmp_path / "m.onnx", NAMES)
    assert "expected labels, got none" in _problems(_recognise(path))
    recognition = _recognise(path, labels=LABELS)
    assert not recognition.problems
    assert [(head.spec.kind, head.spec.outputs) for head in recognition.heads] == [(HeadKind.EFFICIENT_NMS, NAMES)]


@pytest.mark.parametrize(
    ("names", "reason"),
    [
        pytest.param(
            ("num_detections", "detection_boxes", "detection_scores", "detection_classes"),
            "whose boxes are y1 x1 y2 x2 from 0 to 1",
            id="tensorflow",
        ),
        pytest.param(("n", "b", "s", "c"), "nothing tells whether its boxes are x1 y1 x2 y2", id="others"),
    ],
)
def test_other_names_go_back_to_the_user(tmp_path: Path, names: tuple[str, ...], reason: str) -> None:
    path = _of_other_names(tmp_path / "m.onnx", names)
    recognition = _recognise(path, labels=LABELS)
    assert recognition.spec is None
    assert len(recognition.problems) == 1, "one head, one problem"
    assert reason in _problems(recognition)
    assert "=efficient_nms" in _problems(recognition)
    for stated in ("", names[1]):
        given = _recognise(path, labels=LABELS, heads={stated: HeadKind.EFFICIENT_NMS})
        assert not given.problems
        assert given.assumptions == () or all("is not read" not in text for text in given.assumptions)
        assert [head.spec.outputs for head in given.heads] == [names]


def test_the_user_cannot_make_it_of_other_outputs(tmp_path: Path) -> None:
    path = make_layout_onnx(tmp_path / "m.onnx", outputs={"output": (1, 84, 8)})
    problems = _problems(_recognise(path, heads={"": HeadKind.EFFICIENT_NMS}))
    assert "head: efficient_nms: expected whole [1, 1], float [1, n, 4]" in problems
