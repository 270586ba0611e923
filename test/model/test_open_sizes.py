"""Outputs whose sizes the file leaves open are refused with the option that closes them, whatever stands in the way."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from helpers.tiny_detr_onnx import make_detr_onnx

from trt_perception.model.model_overrides import ModelOverrides
from trt_perception.model.model_spec import HeadKind
from trt_perception.model.open_sizes import open_sizes_remedy
from trt_perception.model.read_onnx import read_onnx
from trt_perception.model.recognise import recognise
from trt_perception.model.tensor_info import TensorInfo

OPEN = {"logits": (1, "queries", 20), "pred_boxes": (1, "queries", "Addpred_boxes_dim_2")}
"""As D-FINE exports them."""
SHAPES = ("--shape logits=1x?x20", "--shape pred_boxes=1x?x?")


@pytest.mark.parametrize(
    ("heads", "shapes"),
    [
        pytest.param({}, SHAPES, id="nothing_said"),
        pytest.param({"": HeadKind.DETR_SIGMOID}, SHAPES, id="family_given"),
        pytest.param({"logits": HeadKind.DETR_SIGMOID}, SHAPES[:1], id="output_named"),
    ],
)
def test_an_export_of_d_fine_is_told_to_close_its_sizes(
    tmp_path: Path, heads: dict[str, HeadKind], shapes: tuple[str, ...]
) -> None:
    model = read_onnx(make_detr_onnx(tmp_path / "m.onnx", logits="logits", boxes="pred_boxes", columns=20))
    outputs = tuple(dataclasses.replace(output, shape=OPEN[output.name]) for output in model.outputs)
    recognition = recognise(dataclasses.replace(model, outputs=outputs), ModelOverrides(heads=heads))
    assert recognition.spec is None
    problems = "\n".join(map(str, recognition.problems))
    assert "give the sizes that the file leaves open (" in problems
    assert all(shape in problems for shape in shapes)
    assert "set `head:` to another family" not in problems


def test_closed_sizes_need_nothing_and_an_unknown_rank_cannot_be_given() -> None:
    closed = TensorInfo(name="a", shape=(1, 2), dtype="float32")
    unknown = TensorInfo(name="b", shape=None, dtype="float32")
    assert open_sizes_remedy([closed, unknown]) == ""
    assert open_sizes_remedy([closed, TensorInfo(name="c", shape=(1, 0, "n"), dtype="float32")]) == (
        "give the sizes that the file leaves open (--shape c=1x?x?, a number for every ?) or export static sizes"
    )
