"""Where quantizers go on graphs made by hand, node by node."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from helpers.onnx_graph import OnnxGraph

from trt_perception.errors import ModelError
from trt_perception.precision.graph_cleaning import clean_graph
from trt_perception.precision.graph_view import GraphView
from trt_perception.precision.node_precisions import NodePrecision
from trt_perception.precision.precision_plan import Precision
from trt_perception.precision.qdq_placement import QdqPlacement, place_quantizers

SHAPE = (1, 4, 8, 8)


def place(
    graph: OnnxGraph,
    path: Path,
    *,
    floating: tuple[str, ...] = (),
    ranges: Mapping[str, float] | None = None,
    output: str = "y",
    shape: tuple[int, ...] = SHAPE,
    share_quantizers: bool = False,
) -> QdqPlacement:
    """All nodes INT8 but those named; every tensor's range is 127 (a scale of 1) unless given."""
    graph.save(path, inputs={"x": SHAPE}, outputs={output: shape})
    view = GraphView(clean_graph(path).model)
    precisions = {
        node.name: NodePrecision(precision=Precision.FP16 if node.name in floating else Precision.INT8)
        for node in view.nodes
    }
    known = {tensor: 127.0 for node in view.nodes for tensor in (*node.input, *node.output)}
    known |= ranges or {}
    return place_quantizers(view, precisions, known, fp16_scales=True, share_quantizers=share_quantizers)


def edges(placement: QdqPlacement) -> set[tuple[str, str, int]]:
    return {(tensor, *reader) for tensor, item in placement.activations.items() for reader in item.readers}


def test_only_the_data_and_the_weights_of_a_convolution_with_silu_are_quantized(tmp_path: Path) -> None:
    graph = OnnxGraph()
    first = graph.silu(graph.conv("x", 4, 4, name="first"))
    graph.conv(first, 4, 4, name="y")
    placement = place(graph, tmp_path / "m.onnx")
    assert edges(placement) == {("x", "first", 0), (first, "y", 0)}
    assert set(placement.weights) == {"first", "y"}
    assert placement.weights["first"].tensor == "first.weight"
    assert placement.left_out == {}


@pytest.mark.parametrize("share", [False, True])
def test_a_floating_reader_takes_the_quantized_values_where_it_is_to_share_them(share: bool, tmp_path: Path) -> None:
    graph = OnnxGraph()
    trunk = graph.add("Relu", graph.conv("x", 4, 4, name="trunk"), name="relu")
    branch = graph.conv(trunk, 4, 4, name="int8")
    halves = graph.add("Add", graph.conv(trunk, 4, 4, name="half"), graph.conv("x", 4, 4, name="image"), name="halves")
    graph.add("Add", halves, branch, name="y")
    floating = ("half", "image", "halves", "y")
    placement = place(graph, tmp_path / "m.onnx", floating=floating, share_quantizers=share)
    assert edges(placement) == {("x", "trunk", 0), (trunk, "int8", 0)}
    shared = {(tensor, *reader) for tensor, item in placement.activations.items() for reader in item.float_readers}
    assert shared == ({(trunk, "half", 0)} if share else set())  # never an input of the model, which nobody writes


def test_of_an_add_the_convolution_s_own_output_stays_floating(tmp_path: Path) -> None:
    graph = OnnxGraph()
    graph.add("Relu", graph.add("Add", graph.conv("x", 4, 4, name="conv"), "x", name="add"), name="y")
    assert edges(place(graph, tmp_path / "m.onnx")) == {("x", "conv", 0), ("x", "add", 1)}


def test_both_sides_of_an_add_of_activations_are_quantized(tmp_path: Path) -> None:
    graph = OnnxGraph()
    graph.add("Add", "x", graph.add("Relu", graph.conv("x", 4, 4, name="conv"), name="relu"), name="y")
    assert edges(place(graph, tmp_path / "m.onnx")) == {("x", "conv", 0), ("x", "y", 0), ("relu", "y", 1)}


@pytest.mark.parametrize("constant_shape", [(1,), SHAPE], ids=["scalar", "full_size"])
def test_an_add_of_a_constant_is_left_out_and_said_so(constant_shape: tuple[int, ...], tmp_path: Path) -> None:
    graph = OnnxGraph()
    graph.add("Add", "x", graph.constant(np.ones(constant_shape, np.float32)), name="y")
    placement = place(graph, tmp_path / "m.onnx")
    assert edges(placement) == set()
    assert placement.left_out == {"y": "no sum of two feature maps"}


def _concat_and_pool(graph: OnnxGraph) -> None:
    branch = graph.conv("x", 4, 4, name="branch")
    pooled = graph.add("MaxPool", branch, name="pooled", kernel_shape=[3, 3], pads=[1] * 4)
    joined = graph.add("Concat", branch, pooled, name="joined", axis=1)
    other = graph.conv(branch, 4, 4, name="other")
    graph.add("Add", graph.conv(joined, 8, 4, name="last"), other, name="y")


def test_branches_of_a_concat_and_both_sides_of_a_pool_share_the_largest_scale(tmp_path: Path) -> None:
    graph = OnnxGraph()
    _concat_and_pool(graph)
    placement = place(graph, tmp_path / "m.onnx", ranges={"branch": 254.0, "joined": 127.0, "x": 12.7, "other": 381.0})
    scales = {tensor: item.scale for tensor, item in placement.activations.items()}
    assert scales["branch"] == scales["joined"] == 2.0
    assert placement.activations["joined"].shared_with == ("branch",)
    assert scales["x"] == pytest.approx(0.1, rel=1e-3)
    assert scales["other"] == 3.0


def test_a_concat_outside_int8_joins_no_scales(tmp_path: Path) -> None:
    graph = OnnxGraph()
    _concat_and_pool(graph)
    placement = place(graph, tmp_path / "m.onnx", floating=("joined",), ranges={"branch": 254.0})
    assert placement.activations["branch"].scale == 2.0
    assert placement.activations["joined"].scale == 1.0


@pytest.mark.parametrize(
    ("op_type", "shape", "attributes", "axis"),
    [
        pytest.param("Conv", (6, 4, 1, 1), {}, 0, id="conv"),
        pytest.param("ConvTranspose", (4, 6, 1, 1), {}, 1, id="conv_transpose"),
        pytest.param("Gemm", (256, 6), {}, 1, id="gemm"),
        pytest.param("Gemm", (6, 256), {"transB": 1}, 0, id="gemm_trans_b"),
    ],
)
def test_weights_have_a_scale_for_each_output_channel(
    op_type: str, shape: tuple[int, ...], attributes: dict[str, int], axis: int, tmp_path: Path
) -> None:
    weights = np.random.default_rng(0).normal(0, 1, shape).astype(np.float32)
    graph = OnnxGraph()
    source = graph.add("Flatten", "x", name="flat") if op_type == "Gemm" else "x"
    graph.add(op_type, source, graph.constant(weights, "w"), name="y", **attributes)
    out = (1, 6) if op_type == "Gemm" else (1, 6, 8, 8)
    written = place(graph, tmp_path / "m.onnx", shape=out).weights["y"]
    assert written.axis == axis
    expected = np.abs(np.moveaxis(weights, axis, 0).reshape(6, -1)).max(axis=1) / 127
    np.testing.assert_allclose(written.scales, expected, rtol=2**-11)
    steps = np.expand_dims(written.scales, tuple(index for index in range(weights.ndim) if index != axis))
    assert (np.abs(written.values * steps - weights) <= steps * 0.51).all()


@pytest.mark.parametrize(
    ("op_type", "shape", "attributes", "words"),
    [
        pytest.param("ConvTranspose", (4, 1, 1, 1), {"group": 4}, "grouped ConvTranspose", id="grouped_transpose"),
        pytest.param("MatMul", (8, 8), {}, "MatMul", id="matmul"),
    ],
)
def test_says_which_layers_are_left_out(
    op_type: str, shape: tuple[int, ...], attributes: dict[str, int], words: str, tmp_path: Path
) -> None:
    graph = OnnxGraph()
    graph.add(op_type, "x", graph.constant(np.ones(shape, np.float32)), name="y", **attributes)
    placement = place(graph, tmp_path / "m.onnx")
    assert words in placement.left_out["y"]
    assert placement.weights == {}


@pytest.mark.parametrize("value", [0.0, -1.0, float("nan"), float("inf")])
def test_refuses_a_range_that_is_no_positive_number(value: float, tmp_path: Path) -> None:
    graph = OnnxGraph()
    graph.conv("x", 4, 4, name="y")
    with pytest.raises(ModelError, match="positive range of x"):
        place(graph, tmp_path / "m.onnx", ranges={"x": value})
