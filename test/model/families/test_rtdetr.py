"""RT-DETR as Ultralytics exports it: told by its graph or its exporter, never by its shape alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from helpers.tiny_detr_onnx import make_rtdetr_onnx
from helpers.tiny_onnx import make_layout_onnx, ultralytics_metadata

from trt_perception.model.model_overrides import ModelOverrides
from trt_perception.model.model_spec import HeadKind
from trt_perception.model.preprocess_options import ChannelOrder, Resize
from trt_perception.model.read_onnx import read_onnx
from trt_perception.model.recognise import Recognition, recognise

NAMED = ultralytics_metadata(head="RTDETRDecoder")


def _recognise(path: Path, *labels: str, **heads: HeadKind) -> Recognition:
    overrides = ModelOverrides(heads=heads, labels={"": labels} if labels else {})
    return recognise(read_onnx(path), overrides)


def _problems(recognition: Recognition) -> str:
    return " | ".join(str(problem) for problem in recognition.problems)


def test_scores_of_every_class_by_graph(tmp_path: Path) -> None:
    recognition = _recognise(make_rtdetr_onnx(tmp_path / "m.onnx"))
    assert recognition.spec is not None
    (head,) = recognition.heads
    assert (head.spec.kind, len(head.spec.labels)) == (HeadKind.RTDETR, 3)
    assert "4 + 3 classes for 64 queries; boxes out of Sigmoid" in head.reason
    preprocess = recognition.spec.inputs[0].preprocess
    assert (preprocess.resize, preprocess.channel_order) == (Resize.STRETCH, ChannelOrder.RGB)
    assert any("the convention of RT-DETR" in text for text in recognition.assumptions)


def test_best_boxes_by_graph(tmp_path: Path) -> None:
    path = make_rtdetr_onnx(tmp_path / "m.onnx", top_k=True)
    assert "expected labels, got none" in _problems(_recognise(path))
    recognition = _recognise(path, "a", "b", "c")
    assert not recognition.problems
    assert [head.spec.kind for head in recognition.heads] == [HeadKind.RTDETR_END_TO_END]


def test_two_classes_and_best_boxes_have_one_shape_and_two_graphs(tmp_path: Path) -> None:
    recognition = _recognise(make_rtdetr_onnx(tmp_path / "m.onnx", classes=2))
    assert [(head.spec.kind, len(head.spec.labels)) for head in recognition.heads] == [(HeadKind.RTDETR, 2)]
    recognition = _recognise(make_rtdetr_onnx(tmp_path / "b.onnx", classes=2, top_k=True), "a", "b")
    assert [head.spec.kind for head in recognition.heads] == [HeadKind.RTDETR_END_TO_END]


def test_sizes_that_inference_does_not_know_are_no_hindrance(tmp_path: Path) -> None:
    model = read_onnx(make_rtdetr_onnx(tmp_path / "m.onnx", top_k=True))
    symbols = {name: (*shape[:-1], "dim") for name, shape in model.value_shapes.items() if len(shape) == 3}
    recognition = recognise(replace(model, value_shapes=symbols), ModelOverrides(labels={"": ("a", "b", "c")}))
    assert [head.spec.kind for head in recognition.heads] == [HeadKind.RTDETR_END_TO_END]


@pytest.mark.parametrize(
    ("top_k", "metadata", "kind"),
    [
        pytest.param(False, NAMED, HeadKind.RTDETR, id="scores"),
        pytest.param(True, NAMED, HeadKind.RTDETR_END_TO_END, id="best_boxes"),
        pytest.param(True, {**NAMED, "end2end": "True"}, HeadKind.RTDETR_END_TO_END, id="called_end_to_end"),
    ],
)
@pytest.mark.parametrize("opaque", [False, True], ids=["with_its_graph", "with_another_graph"])
def test_the_exporter_vouches_for_it(
    tmp_path: Path, top_k: bool, metadata: dict[str, str], kind: HeadKind, opaque: bool
) -> None:
    recognition = _recognise(make_rtdetr_onnx(tmp_path / "m.onnx", top_k=top_k, opaque=opaque, metadata=metadata))
    assert not recognition.problems
    assert recognition.assumptions == ()
    assert [(head.spec.kind, head.spec.labels[0]) for head in recognition.heads] == [(kind, "thing_0")]


def test_six_columns_with_two_names_remain_a_question(tmp_path: Path) -> None:
    metadata = ultralytics_metadata(classes=2, head="RTDETRDecoder")
    path = make_layout_onnx(tmp_path / "m.onnx", outputs={"output0": (1, 300, 6)}, metadata=metadata)
    assert "cannot be told apart: rtdetr, rtdetr_end_to_end" in _problems(_recognise(path))


@pytest.mark.parametrize("kind", [HeadKind.RTDETR, HeadKind.RTDETR_END_TO_END], ids=lambda kind: kind.value)
def test_six_columns_are_what_the_user_says(tmp_path: Path, kind: HeadKind) -> None:
    path = make_layout_onnx(tmp_path / "m.onnx", outputs={"output0": (1, 300, 6)})
    for value in HeadKind.RTDETR, HeadKind.RTDETR_END_TO_END:
        assert f"--head output0={value.value}" in _problems(_recognise(path))
    recognition = _recognise(path, "a", "b", output0=kind)
    assert not recognition.problems
    assert [head.spec.kind for head in recognition.heads] == [kind]


def test_a_number_of_queries_alone_is_not_enough(tmp_path: Path) -> None:
    path = make_layout_onnx(tmp_path / "m.onnx", outputs={"output0": (1, 300, 24)})
    problems = _problems(_recognise(path))
    assert "may be rtdetr (4 + 20 classes for 300 queries; 300 rows are a number of queries, but" in problems
    assert "--head output0=rtdetr" in problems


@pytest.mark.parametrize(
    ("shape", "kind"),
    [
        pytest.param((1, 300, 4), HeadKind.RTDETR, id="no_class"),
        pytest.param((2, 300, 7), HeadKind.RTDETR, id="batch_of_two"),
        pytest.param((300, 7), HeadKind.RTDETR, id="no_batch"),
        pytest.param((1, 300, 7), HeadKind.RTDETR_END_TO_END, id="seven_columns"),
    ],
)
def test_another_layout_is_refused(tmp_path: Path, shape: tuple[int, ...], kind: HeadKind) -> None:
    path = make_layout_onnx(tmp_path / "m.onnx", outputs={"output0": shape})
    recognition = _recognise(path, output0=kind)
    assert recognition.spec is None
    assert f"head: {kind.value}: expected float [1, queries, " in _problems(recognition)
