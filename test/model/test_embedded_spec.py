"""A model that carries our own metadata is recognised wholly by it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from helpers.tiny_onnx import make_layout_onnx, make_multi_head_onnx

from trt_perception.errors import ConfigError
from trt_perception.model.embedded_spec import SPEC_KEY, embedded_spec, spec_metadata
from trt_perception.model.inspection import inspect_model
from trt_perception.model.load_spec import load_spec
from trt_perception.model.model_overrides import ModelOverrides
from trt_perception.model.model_spec import HeadKind, HeadSpec, InputSpec, ModelSpec, OutputSpec
from trt_perception.model.preprocess_options import PreprocessOptions, Resize

SPEC = ModelSpec(
    name="demo",
    model="unused",
    inputs=(
        InputSpec(
            name="images",
            shape=(1, 3, 64, 64),
            preprocess=PreprocessOptions(resize=Resize.STRETCH, mean=(0.1, 0.2, 0.3)),
        ),
    ),
    outputs=(
        OutputSpec(name="detections", shape=(1, 84, 8)),
        OutputSpec(name="segmentation", shape=(1, 4, 16, 16)),
    ),
    heads=(
        HeadSpec(name="boxes", kind=HeadKind.YOLOX_DECODED, outputs=("detections",), labels=("a", "b", "c")),
        HeadSpec(name="lane", kind=HeadKind.SEMANTIC_LOGITS, outputs=("segmentation",), labels=("w", "x", "y", "z")),
    ),
)


def test_a_model_with_our_metadata_needs_no_guess(tmp_path: Path) -> None:
    # The graph speaks for undecoded YOLOX: what the model says of itself counts more.
    path = make_multi_head_onnx(tmp_path / "m.onnx", metadata=spec_metadata(SPEC))
    inspection = inspect_model(path)
    assert inspection.assumptions == ()
    assert inspection.problems == ()
    assert inspection.spec == ModelSpec(**{**vars(SPEC), "model": str(path)})
    assert inspection.heads[0].reason == f"output 'detections': metadata {SPEC_KEY} says so"


def test_the_user_may_still_rename_and_relabel(tmp_path: Path) -> None:
    path = make_multi_head_onnx(tmp_path / "m.onnx", metadata=spec_metadata(SPEC))
    overrides = ModelOverrides(name="mine", labels={"lane": ("1", "2", "3", "4")}, preprocess={"pad_value": 0})
    spec = load_spec(path, overrides=overrides)
    assert spec.name == "mine"
    assert spec.heads[1].labels == ("1", "2", "3", "4")
    assert spec.inputs[0].preprocess.pad_value == 0
    assert spec.inputs[0].preprocess.resize is Resize.STRETCH


def test_a_given_head_replaces_the_metadata(tmp_path: Path) -> None:
    path = make_multi_head_onnx(tmp_path / "m.onnx", metadata=spec_metadata(SPEC))
    spec = load_spec(path, overrides=ModelOverrides(heads={"detections": HeadKind.YOLOX}))
    assert [head.kind for head in spec.heads] == [HeadKind.YOLOX]


def _changed(**changes: object) -> dict[str, str]:
    content = json.loads(spec_metadata(SPEC)[SPEC_KEY])
    return {SPEC_KEY: json.dumps({**content, **changes})}


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        pytest.param({SPEC_KEY: "{"}, "not valid JSON", id="no_json"),
        pytest.param({SPEC_KEY: "[" * 100_000}, "not valid JSON", id="deep_json"),
        pytest.param(_changed(schema=2), "schema: expected at most 1, got 2; update trt_perception", id="newer"),
        pytest.param(_changed(schema="1"), "schema: expected a whole number", id="schema_as_text"),
        pytest.param(_changed(head=[]), "unknown key 'head'; did you mean 'heads'?", id="unknown_key"),
        pytest.param({SPEC_KEY: "[]"}, "expected a mapping", id="list"),
        pytest.param(
            _changed(heads=[{"name": "x", "kind": "yolox", "outputs": ["detections"], "labels_file": "/etc/passwd"}]),
            "head 'x' names a labels_file",
            id="file_of_the_reader",
        ),
    ],
)
def test_refuses(tmp_path: Path, metadata: dict[str, str], message: str) -> None:
    with pytest.raises(ConfigError, match=f"metadata {SPEC_KEY}") as caught:
        embedded_spec(metadata)
    assert message in str(caught.value)
    inspection = inspect_model(make_multi_head_onnx(tmp_path / "m.onnx", metadata=metadata))
    assert inspection.spec is None
    assert message in str(inspection.problems[0])


@pytest.mark.parametrize(
    ("metadata", "problem"),
    [
        pytest.param(
            _changed(inputs=[{"name": "other"}]), "describes the inputs other, the model has images", id="input"
        ),
        pytest.param(
            _changed(heads=[{"name": "x", "kind": "yolov8", "outputs": ["detections"], "labels": ["a"]}]),
            "head 'x' as yolov8: expected float [1, 4 + classes, n]",
            id="family",
        ),
        pytest.param(
            _changed(heads=[{"name": "x", "kind": "yolox", "outputs": ["y"], "labels": ["a"]}]),
            "head 'x' reads the output y, the model has detections, segmentation",
            id="output",
        ),
        pytest.param(
            _changed(heads=[{"name": "x", "kind": "yolox", "outputs": ["detections"], "labels": ["a"]}]),
            "expected 3 labels",
            id="labels",
        ),
    ],
)
def test_metadata_that_does_not_fit_the_model_is_a_problem(
    tmp_path: Path, metadata: dict[str, str], problem: str
) -> None:
    inspection = inspect_model(make_multi_head_onnx(tmp_path / "m.onnx", metadata=metadata))
    assert inspection.spec is None
    assert problem in str(inspection.problems[0])


def test_other_models_have_none(tmp_path: Path) -> None:
    assert embedded_spec({"stride": "32"}) is None
    path = make_layout_onnx(tmp_path / "m.onnx", outputs={"a": (1, 1000)})
    assert inspect_model(path).metadata == {}
