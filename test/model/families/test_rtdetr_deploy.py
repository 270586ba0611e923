"""RT-DETR's and D-FINE's deployment: labels, boxes and scores, with the size as an input or in its place."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.tiny_detr_onnx import make_rtdetr_deploy_onnx
from helpers.tiny_onnx import make_layout_onnx

from trt_perception.model.model_overrides import ModelOverrides
from trt_perception.model.model_spec import HeadKind
from trt_perception.model.preprocess_options import Resize
from trt_perception.model.read_onnx import read_onnx
from trt_perception.model.recognise import Recognition, recognise

LABELS = {"": ("a", "b", "c")}


def _recognise(path: Path, **overrides: object) -> Recognition:
    return recognise(read_onnx(path), ModelOverrides(**overrides))  # type: ignore[arg-type]


def _problems(recognition: Recognition) -> str:
    return " | ".join(str(problem) for problem in recognition.problems)


def test_recognised_with_a_constant_size(tmp_path: Path) -> None:
    recognition = _recognise(make_rtdetr_deploy_onnx(tmp_path / "m.onnx", constant=(64, 64)), labels=LABELS)
    assert recognition.spec is not None
    (head,) = recognition.heads
    assert (head.spec.kind, head.spec.outputs) == (HeadKind.RTDETR_DEPLOY, ("labels", "boxes", "scores"))
    assert "64 boxes with class number and score; boxes multiplied by a size" in head.reason
    assert recognition.spec.inputs[0].preprocess.resize is Resize.STRETCH


def test_the_size_as_an_input_is_refused_with_the_way_out(tmp_path: Path) -> None:
    problems = _problems(_recognise(make_rtdetr_deploy_onnx(tmp_path / "m.onnx"), labels=LABELS))
    assert "got also 'orig_target_sizes' int64 [1,2]; it is the size that boxes are scaled to" in problems
    assert "docs/models.md, 'An input for the size'" in problems


def test_boxes_that_no_size_scales_are_asked_about(tmp_path: Path) -> None:
    path = make_rtdetr_deploy_onnx(tmp_path / "m.onnx", is_scaled=False)
    problems = _problems(_recognise(path, labels=LABELS))
    assert problems.count("may be rtdetr_deploy") == 1
    assert "boxes are no product with an image size" in problems


@pytest.mark.parametrize("named", ["", "boxes", "labels"], ids=["no_output", "boxes", "labels"])
def test_any_output_names_the_head(tmp_path: Path, named: str) -> None:
    path = make_rtdetr_deploy_onnx(tmp_path / "m.onnx", is_scaled=False)
    recognition = _recognise(path, labels=LABELS, heads={named: HeadKind.RTDETR_DEPLOY})
    assert not recognition.problems
    assert [head.spec.outputs for head in recognition.heads] == [("labels", "boxes", "scores")]


@pytest.mark.parametrize(
    ("shapes", "integers"),
    [
        pytest.param({"labels": (1, 9), "boxes": (1, 9, 4), "scores": (1, 8)}, ["labels"], id="counts"),
        pytest.param({"labels": (1, 9), "boxes": (1, 9, 5), "scores": (1, 9)}, ["labels"], id="columns"),
        pytest.param({"labels": (1, 9), "boxes": (1, 9, 4), "scores": (1, 9)}, [], id="labels_of_floats"),
        pytest.param({"labels": (1, 9), "boxes": (1, 9, 4)}, ["labels"], id="no_scores"),
    ],
)
def test_another_layout_is_refused(tmp_path: Path, shapes: dict[str, tuple[int, ...]], integers: list[str]) -> None:
    path = make_layout_onnx(tmp_path / "m.onnx", outputs=shapes, integers=integers)
    recognition = _recognise(path, labels=LABELS, heads={"boxes": HeadKind.RTDETR_DEPLOY})
    assert "head: rtdetr_deploy: expected " in _problems(recognition)
    assert _recognise(path, labels=LABELS).spec is None
