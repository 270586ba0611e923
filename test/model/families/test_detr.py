"""DETR and its successors without post-processing: pairs of logits and boxes, the scores' arithmetic asked for."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.tiny_detr_onnx import make_detr_onnx
from helpers.tiny_onnx import make_layout_onnx

from trt_perception.model.model_overrides import ModelOverrides
from trt_perception.model.model_spec import HeadKind
from trt_perception.model.read_onnx import read_onnx
from trt_perception.model.recognise import Recognition, recognise

IMAGENET = (0.485, 0.456, 0.406)


def _recognise(path: Path, **heads: HeadKind) -> Recognition:
    return recognise(read_onnx(path), ModelOverrides(heads=heads))


def _problems(recognition: Recognition) -> str:
    return " | ".join(str(problem) for problem in recognition.problems)


def test_rf_detr_by_the_names_of_its_outputs(tmp_path: Path) -> None:
    recognition = _recognise(make_detr_onnx(tmp_path / "m.onnx", logits="labels", boxes="dets"))
    assert recognition.spec is not None
    (head,) = recognition.heads
    assert (head.spec.kind, head.spec.outputs) == (HeadKind.DETR_SIGMOID, ("labels", "dets"))
    assert len(head.spec.labels) == 3
    assert recognition.spec.inputs[0].preprocess.mean == IMAGENET


@pytest.mark.parametrize("logits", ["pred_logits", "logits"])
def test_the_score_is_asked_for_once(tmp_path: Path, logits: str) -> None:
    path = make_detr_onnx(tmp_path / "m.onnx", logits=logits)
    problems = _problems(_recognise(path))
    assert problems.count("cannot be told apart: detr_sigmoid, detr_softmax") == 1
    assert "TopK" not in problems
    assert "the graph chooses queries by TopK" in _problems(_recognise(make_detr_onnx(path, logits=logits, top_k=True)))


@pytest.mark.parametrize(
    ("kind", "classes", "mean"),
    [(HeadKind.DETR_SIGMOID, 3, (0.0, 0.0, 0.0)), (HeadKind.DETR_SOFTMAX, 2, IMAGENET)],
    ids=["sigmoid", "softmax"],
)
@pytest.mark.parametrize("named", ["pred_logits", "pred_boxes"])
def test_either_output_names_the_head(
    tmp_path: Path, named: str, kind: HeadKind, classes: int, mean: tuple[float, ...]
) -> None:
    recognition = _recognise(make_detr_onnx(tmp_path / "m.onnx"), **{named: kind})
    assert recognition.spec is not None
    (head,) = recognition.heads
    assert (head.spec.kind, head.spec.outputs) == (kind, ("pred_logits", "pred_boxes"))
    assert len(head.spec.labels) == classes
    assert recognition.spec.inputs[0].preprocess.mean == mean


def test_features_of_the_queries_are_not_read(tmp_path: Path) -> None:
    path = make_detr_onnx(tmp_path / "m.onnx", logits="labels", boxes="dets", features="last_hidden_state")
    recognition = _recognise(path)
    assert [head.spec.outputs for head in recognition.heads] == [("labels", "dets")]
    assert any("'last_hidden_state' is not read" in text for text in recognition.assumptions)


def test_four_classes_are_told_from_boxes_by_name(tmp_path: Path) -> None:
    path = make_detr_onnx(tmp_path / "m.onnx", columns=4)
    (head,) = _recognise(path, pred_boxes=HeadKind.DETR_SIGMOID).heads
    assert head.spec.outputs == ("pred_logits", "pred_boxes")
    unnamed = make_layout_onnx(tmp_path / "u.onnx", outputs={"a": (1, 300, 4), "b": (1, 300, 4)})
    assert "head: detr_sigmoid: expected two outputs" in _problems(_recognise(unnamed, a=HeadKind.DETR_SIGMOID))


def test_other_names_are_told_by_shape_and_asked_about(tmp_path: Path) -> None:
    path = make_detr_onnx(tmp_path / "m.onnx", logits="a", boxes="b")
    assert "--head b=detr_sigmoid or --head b=detr_softmax" in _problems(_recognise(path))
    (head,) = _recognise(path, b=HeadKind.DETR_SIGMOID).heads
    assert head.spec.outputs == ("a", "b")


@pytest.mark.parametrize("activation", ["Sigmoid", "Softmax"])
def test_scores_that_are_no_logits_are_refused(tmp_path: Path, activation: str) -> None:
    problems = _problems(_recognise(make_detr_onnx(tmp_path / "m.onnx", activation=activation)))
    assert "separate boxes and scores: not supported yet" in problems


def test_a_row_a_cell_is_no_query(tmp_path: Path) -> None:
    path = make_layout_onnx(tmp_path / "m.onnx", outputs={"pred_boxes": (1, 84, 4), "logits": (1, 84, 80)})
    assert "separate boxes and scores: not supported yet" in _problems(_recognise(path))


def test_softmax_needs_a_class_beside_no_object(tmp_path: Path) -> None:
    path = make_detr_onnx(tmp_path / "m.onnx", columns=1)
    assert "may be detr_sigmoid" in _problems(_recognise(path))
    problems = _problems(_recognise(path, pred_logits=HeadKind.DETR_SOFTMAX))
    assert "head: detr_softmax: expected float [1, queries, classes + 1]" in problems
