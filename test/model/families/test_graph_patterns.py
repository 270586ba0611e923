"""Questions to graphs, also to graphs that no exporter writes: circles, endless joins, nodes without inputs."""

from __future__ import annotations

from pathlib import Path

from trt_perception.model.families.graph_patterns import column_concats, is_sigmoid, source
from trt_perception.model.onnx_model import OnnxModel, OnnxNode


def _model(*nodes: tuple[str, list[str], str]) -> OnnxModel:
    made = tuple(OnnxNode(op_type=kind, inputs=tuple(inputs), outputs=(output,)) for kind, inputs, output in nodes)
    return OnnxModel(path=Path("m.onnx"), inputs=(), outputs=(), nodes=made)


def test_looks_through_layout_and_types() -> None:
    model = _model(("Sigmoid", ["x"], "s"), ("Reshape", ["s", "shape"], "r"), ("Cast", ["r"], "c"))
    node = source(model, "c")
    assert node is not None
    assert node.op_type == "Sigmoid"
    assert source(model, "x") is None


def test_all_parts_must_be_sigmoid() -> None:
    nodes = [("Sigmoid", ["x"], "a"), ("Conv", ["x", "w"], "b"), ("Concat", ["a", "a"], "both")]
    model = _model(*nodes, ("Concat", ["a", "b"], "mixed"), ("Slice", ["both", "0", "1"], "part"))
    assert is_sigmoid(model, "both")
    assert is_sigmoid(model, "part")
    assert not is_sigmoid(model, "mixed")
    assert not is_sigmoid(model, "w")


def test_concats_of_every_scale_are_found() -> None:
    scales = [
        node
        for scale in ("8", "16")
        for node in (
            ("Conv", ["x"], f"box{scale}"),
            ("Sigmoid", ["x"], f"score{scale}"),
            ("Concat", [f"box{scale}", f"score{scale}"], f"scale{scale}"),
        )
    ]
    model = _model(*scales, ("Concat", ["scale8", "scale16", "scale8"], "all"), ("Concat", ["all", "x"], "more"))
    found = column_concats(model, "all", parts=2)
    assert found is not None
    assert sorted(node.outputs[0] for node in found) == ["scale16", "scale8"]
    assert column_concats(model, "more", parts=3) is None


def test_a_circle_ends() -> None:
    model = _model(("Reshape", ["b"], "a"), ("Cast", ["a"], "b"), ("Concat", ["c", "c"], "c"), ("Identity", [], "d"))
    assert source(model, "a") is None
    assert source(model, "d") is None
    assert column_concats(model, "c", parts=3) == []
    assert not is_sigmoid(model, "a")


def test_joins_of_joins_cost_no_more_than_their_nodes() -> None:
    doubled = [("Concat", [f"t{level}", f"t{level}"], f"t{level + 1}") for level in range(5000)]
    model = _model(("Sigmoid", ["x"], "t0"), *doubled)
    assert is_sigmoid(model, "t5000")
    assert column_concats(model, "t5000", parts=3) is None
    assert model.operators_behind("t5000", until=frozenset()) == {"Concat", "Sigmoid"}
