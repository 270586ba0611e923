"""What TensorRT's inspector says, in the words of each version.

Version 8 is a real engine's text; those of 10 and 11 are made from documentation and public listings, not from an
engine: 10 says type and layout in one word, 11 apart.
"""

from __future__ import annotations

import json
from collections import Counter
from types import SimpleNamespace
from typing import Any

import pytest
from helpers.built_engine import split_layers
from hypothesis import given
from hypothesis import strategies as st

from trt_perception.engine.engine_layer import EngineLayer, EngineTensor
from trt_perception.engine.read_layers import inspect_engine, precision_of, read_layers
from trt_perception.errors import InputError


def information(*layers: Any) -> str:
    return json.dumps({"Layers": list(layers)})


def test_reads_an_engine_of_tensorrt_8() -> None:
    layers = split_layers()
    assert len(layers) == 107
    conv = next(layer for layer in layers if layer.kind == "CaskConvolution" and layer.weights == "int8")
    assert conv.nodes == ("backbone.rgb.stage1.0.conv.Conv", "backbone.rgb.stage1.0.relu.Relu")
    assert (conv.inputs[0].precision, conv.outputs[0].precision, conv.precision) == ("int8", "int8", "int8")
    assert not conv.is_copy
    assert not any(layer.is_hidden for layer in layers)
    assert Counter(layer.origin for layer in layers if layer.origin) == {"REFORMAT": 12, "CONCAT": 9, "QDQ": 6}


def test_every_tensor_of_a_real_engine_has_a_known_precision() -> None:
    tensors = [tensor for layer in split_layers() for tensor in (*layer.inputs, *layer.outputs)]
    assert {tensor.precision for tensor in tensors} == {"int8", "fp16", "fp32"}


@pytest.mark.parametrize(
    ("tensor", "precision", "words"),
    [
        pytest.param({"Format/Datatype": "Half"}, "fp16", "Half", id="10_half"),
        pytest.param({"Format/Datatype": "Int8"}, "int8", "Int8", id="10_int8"),
        pytest.param({"Format/Datatype": "Float"}, "fp32", "Float", id="10_float"),
        pytest.param(
            {"Format/Datatype": "N/A due to dynamic shapes"}, "unknown", "N/A due to dynamic shapes", id="10_no"
        ),
        pytest.param(
            {"Format": "Row major linear FP32 format (kLINEAR)", "DataType": "Float"},
            "fp32",
            "Float, Row major linear FP32 format (kLINEAR)",
            id="11",
        ),
        pytest.param(
            {"Format": "Row major linear INT8 format (kLINEAR)", "Datatype": "Int64"},
            "int64",
            "Int64, Row major linear INT8 format (kLINEAR)",
            id="11_type_wins_over_layout",
        ),
        pytest.param({"Format": "LINEAR"}, "unknown", "LINEAR", id="11_no_type"),
        pytest.param({}, "unknown", "", id="nothing"),
    ],
)
def test_reads_the_types_of_each_version(tensor: dict[str, str], precision: str, words: str) -> None:
    layer = read_layers(information({"Name": "a", "LayerType": "gemm", "Inputs": [{"Name": "x", **tensor}]}))[0]
    assert layer.inputs == (EngineTensor(name="x", shape=(), precision=precision, format=words),)


@pytest.mark.parametrize(
    ("text", "precision"),
    [
        ("Channel major FP16 format where channel % 8 == 0", "fp16"),
        ("Thirty-two wide channel vectorized row major Int8 format", "int8"),
        ("Thirty-two wide channel vectorized row major FP32 format", "fp32"),
        ("Row major linear FP8 format", "fp8"),
        ("BFloat16", "bf16"),
        ("kHALF", "fp16"),
        ("Int32", "int32"),
        ("UInt8", "int8"),
        ("Bool", "bool"),
        ("a kind of the future", "unknown"),
    ],
)
def test_knows_the_words_for_precisions(text: str, precision: str) -> None:
    assert precision_of(text) == precision


def test_reads_names_where_an_engine_keeps_no_more() -> None:
    assert read_layers(information("a + b", "c")) == (EngineLayer(name="a + b"), EngineLayer(name="c"))


@pytest.mark.parametrize("separator", ["\x1e", "\x1f", "", " "], ids=["8", "10", "none", "blank"])
def test_reads_the_nodes_that_metadata_lists(separator: str) -> None:
    metadata = separator.join(f"[ONNX Layer: {name}]" for name in ("/a/Conv", "b [1]", "/a/Conv"))
    text = information({"Name": "x", "LayerType": "gemm", "Metadata": "?"}).replace("?", metadata)
    assert read_layers(text)[0].nodes == ("/a/Conv", "b [1]")


@pytest.mark.parametrize("text", ["", "no json", "[]", "{}", '{"Layers": 3}'])
def test_refuses_what_is_no_information(text: str) -> None:
    with pytest.raises(InputError, match="inspector"):
        read_layers(text)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
KEYS = ["Name", "LayerType", "Inputs", "Outputs", "Metadata", "Weights", "TacticName", "Origin"]
TENSORS = st.lists(
    st.dictionaries(st.sampled_from(["Name", "Dimensions", "Format/Datatype", "Format", "DataType"]), JSON), max_size=3
)


@given(st.lists(st.dictionaries(st.sampled_from(KEYS), JSON | TENSORS) | JSON, max_size=4))
def test_a_foreign_form_is_unknown_not_a_crash(layers: list[Any]) -> None:
    for layer in read_layers(json.dumps({"Layers": layers})):
        assert isinstance(layer.precision, str)
        assert isinstance(layer.is_copy, bool)


class FakeEngine:
    """What `inspect_engine` asks of an ICudaEngine."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.shape = shape
        self.num_io_tensors = 2
        self.inspected: Any = None

    def get_tensor_name(self, index: int) -> str:
        return ("images", "boxes")[index]

    def get_tensor_mode(self, name: str) -> str:
        return {"images": "in", "boxes": "out"}[name]

    def get_tensor_shape(self, name: str) -> tuple[int, ...]:
        return self.shape

    def get_tensor_profile_shape(self, name: str, profile: int) -> list[tuple[int, ...]]:
        return [(1, 3, 32, 32), (4, 3, 64, 64), (8, 3, 64, 64)]

    def create_execution_context(self) -> Any:
        sizes: dict[str, tuple[int, ...]] = {}
        return SimpleNamespace(sizes=sizes, set_input_shape=sizes.__setitem__)

    def create_engine_inspector(self) -> Any:
        self.inspected = SimpleNamespace(execution_context=None, get_engine_information=lambda _: information("a"))
        return self.inspected


FAKE_TENSORRT = SimpleNamespace(
    TensorIOMode=SimpleNamespace(INPUT="in"), LayerInformationFormat=SimpleNamespace(JSON="json")
)


def test_inspects_dynamic_shapes_at_their_best_sizes() -> None:
    engine = FakeEngine((-1, 3, -1, -1))
    assert inspect_engine(FAKE_TENSORRT, engine) == (EngineLayer(name="a"),)
    assert engine.inspected.execution_context.sizes == {"images": (4, 3, 64, 64)}


def test_inspects_static_shapes_without_a_context() -> None:
    engine = FakeEngine((1, 3, 64, 64))
    inspect_engine(FAKE_TENSORRT, engine)
    assert engine.inspected.execution_context is None
