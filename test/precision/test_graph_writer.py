"""What is easy to get wrong when types are written into a graph."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from helpers.max_ranges import max_table, outputs, random_feeds, session
from helpers.onnx_graph import OnnxGraph
from helpers.tiny_onnx import make_yolox_onnx
from onnx import TensorProto, helper

from trt_perception.errors import ModelError
from trt_perception.precision.account import Account
from trt_perception.precision.precision_plan import Precision, PrecisionPlan, RegionPatterns, RegionPrecisions
from trt_perception.precision.quantize import Emitter, quantize

SHAPE = (1, 4, 8, 8)
BY_PREFIX = RegionPatterns(backbone=("int8*",), neck=("half*",), head=("full*",))
PLAN = PrecisionPlan(
    precisions=RegionPrecisions(backbone=Precision.INT8, neck=Precision.FP16, head=Precision.FP32), patterns=BY_PREFIX
)


def written(graph: OnnxGraph, folder: Path, *results: str, plan: PrecisionPlan = PLAN) -> tuple[Path, Path, Account]:
    """The original, the strong graph, the account; every tensor has the shape SHAPE."""
    model = graph.save(folder / "model.onnx", inputs={"x": SHAPE}, outputs=dict.fromkeys(results, SHAPE))
    out = folder / "strong.onnx"
    table = max_table(model, plan, random_feeds(model))
    return model, out, quantize(model, plan, table, emitter=Emitter.STRONG, out=out)


def check_close(model: Path, out: Path, tolerance: float = 0.05) -> None:
    feeds = random_feeds(model)
    for expected, got in zip(outputs(model, feeds), outputs(out, feeds), strict=True):
        assert got.dtype == expected.dtype
        assert float(np.abs(got - expected).max()) <= tolerance * float(np.abs(expected).max())


def test_weights_that_layers_of_different_precisions_share(tmp_path: Path) -> None:
    graph = OnnxGraph()
    weight = graph.constant(np.random.default_rng(0).normal(0, 0.3, (4, 4, 1, 1)).astype(np.float32), "w")
    first = graph.add("Conv", "x", weight, name="int8")
    second = graph.add("Conv", graph.add("Conv", first, weight, name="half"), weight, name="half_again")
    graph.add("Conv", graph.add("Conv", second, weight, name="full"), weight, name="int8_again")
    model, out, _ = written(graph, tmp_path, "int8_again")
    check_close(model, out)
    kinds = {item.name: item.data_type for item in onnx.load(str(out)).graph.initializer}
    nodes = {node.name: node for node in onnx.load(str(out)).graph.node}
    assert kinds[nodes["full"].input[1]] == TensorProto.FLOAT
    assert kinds[nodes["half"].input[1]] == TensorProto.FLOAT16
    assert nodes["half"].input[1] == nodes["half_again"].input[1]  # stored once


def test_an_output_that_is_read_inside_too(tmp_path: Path) -> None:
    graph = OnnxGraph()
    first = graph.add("Relu", "x", name="half.a")
    graph.add("Sigmoid", first, name="half.b")
    graph.add("Tanh", first, name="full.c")
    model, out, account = written(graph, tmp_path, "half.a", "half.b", "full.c")
    check_close(model, out, 2e-3)
    assert account.tensor_types["half.a"] is Precision.FP32
    assert account.tensor_types["half.a_fp16"] is Precision.FP16


def test_a_tensor_is_cast_once_for_all_its_readers(tmp_path: Path) -> None:
    graph = OnnxGraph()
    for name in ("half.a", "half.b", "half.c"):
        graph.add("Relu", "x", name=name)
    _, out, account = written(graph, tmp_path, "half.a", "half.b", "half.c")
    inward = [cast for cast in account.casts if cast.readers]
    assert [(cast.tensor, cast.to, cast.readers) for cast in inward] == [
        ("x", Precision.FP16, ("half.a", "half.b", "half.c"))
    ]
    casts = [node for node in onnx.load(str(out)).graph.node if node.op_type == "Cast"]
    assert len(casts) == 1 + 3  # the input, and each output back


def test_an_fp32_input_is_quantized_without_a_cast(tmp_path: Path) -> None:
    graph = OnnxGraph()
    graph.conv("x", 4, 4, name="int8")
    model, out, account = written(graph, tmp_path, "int8")
    check_close(model, out)
    assert [cast.tensor for cast in account.casts] == ["int8"]
    nodes = onnx.load(str(out)).graph.node
    assert next(node for node in nodes if node.op_type == "QuantizeLinear").input[0] == "x"


def test_names_that_are_taken_already(tmp_path: Path) -> None:
    graph = OnnxGraph()
    graph.add("Relu", "x", name="half.a")
    graph.add("Tanh", graph.add("Sigmoid", "half.a", name="half.a_fp16"), name="full.b")
    model, out, _ = written(graph, tmp_path, "half.a", "full.b")
    check_close(model, out, 2e-3)


def test_the_scales_of_a_resize_stay_fp32(tmp_path: Path) -> None:
    graph = OnnxGraph()
    scales = graph.constant(np.float32([1, 1, 1, 1]), "scales")
    graph.add("Resize", "x", "", scales, name="half.up", mode="nearest")
    model, out, _ = written(graph, tmp_path, "half.up")
    check_close(model, out, 2e-3)


def test_refuses_graphs_inside_of_nodes(tmp_path: Path) -> None:
    graph = OnnxGraph()
    value = helper.make_tensor_value_info("inner", TensorProto.FLOAT, SHAPE)
    branch = helper.make_graph([helper.make_node("Relu", ["x"], ["inner"])], "branch", [], [value])
    condition = graph.add("Greater", graph.add("ReduceMax", "x", keepdims=0), graph.constant(np.float32(0)))
    graph.add("If", condition, name="y", then_branch=branch, else_branch=branch)
    with pytest.raises(ModelError, match=r"y \(If\) holds a graph of its own"):
        written(graph, tmp_path, "y", plan=PrecisionPlan())


def test_open_sizes_stay_open(tmp_path: Path) -> None:
    fixed = make_yolox_onnx(tmp_path / "fixed.onnx", size=32)
    model = make_yolox_onnx(tmp_path / "open.onnx", size=32, announced=("batch", 3, "height", "width"))
    plan = PrecisionPlan(precisions=RegionPrecisions(backbone=Precision.FP16, neck=Precision.FP16))
    quantize(model, plan, None, emitter=Emitter.STRONG, out=tmp_path / "out.onnx")
    written_graph = onnx.load(str(tmp_path / "out.onnx"))
    sizes = written_graph.graph.input[0].type.tensor_type.shape.dim
    assert [size.dim_param or size.dim_value for size in sizes] == ["batch", 3, "height", "width"]
    feeds = random_feeds(fixed)
    got = session(tmp_path / "out.onnx").run(None, feeds)[0]
    np.testing.assert_allclose(got, outputs(fixed, feeds)[0], atol=2e-2)
