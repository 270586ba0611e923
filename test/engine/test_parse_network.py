"""What TensorRT-RTX says of graphs that it does not parse, made into what to do."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnx
import pytest
from helpers.demo_network_onnx import make_demo_network_onnx
from helpers.fake_tensorrt import FakeTensorRt
from onnx import TensorProto, helper, numpy_helper

from trt_perception.engine.parse_errors import parse_problem
from trt_perception.engine.parse_network import ParsedNetwork
from trt_perception.errors import DeviceError, InputError, ModelError


@pytest.fixture(scope="module")
def trt() -> Any:
    return pytest.importorskip("tensorrt_rtx_bindings", reason="TensorRT-RTX (tensorrt-rtx-cu13-bindings) is absent")


def save(
    path: Path, node: onnx.NodeProto, *, kinds: dict[str, int], weights: tuple[onnx.TensorProto, ...] = ()
) -> Path:
    """One node with inputs of 1 x 3 x 8 x 8."""
    graph = helper.make_graph(
        [node],
        "graph",
        [helper.make_tensor_value_info(name, kind, (1, 3, 8, 8)) for name, kind in kinds.items()],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        list(weights),
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("acme", 1)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), str(path))
    return path


FLOATS = {"x": TensorProto.FLOAT}


@pytest.mark.parametrize(
    ("node", "kinds", "words"),
    [
        pytest.param(
            helper.make_node("Warp", ["x"], ["y"], name="warp", domain="acme"),
            FLOATS,
            r"\(opset 17\): node 0 warp \(Warp\): .*Plugin not found.*name the library.*`plugins`",
            id="operator",
        ),
        pytest.param(
            helper.make_node("Add", ["x", "z"], ["y"], name="sum"),
            {"x": TensorProto.FLOAT, "z": TensorProto.FLOAT16},
            r"node 0 sum \(Add\): .*of different types: write the graph again",
            id="types",
        ),
        pytest.param(
            helper.make_node("Relu", ["x"], ["y"], name="relu"),
            {"x": TensorProto.UINT8},
            r"node 0 relu \(Relu\): .*UINT8; TensorRT does not take this type",
            id="uint8",
        ),
        pytest.param(
            helper.make_node("Conv", ["x", "w"], ["y"], name="conv"),
            FLOATS,
            r"node 0 conv \(Conv\): .*look at the node with",
            id="shapes",
        ),
    ],
)
def test_names_node_operator_opset_and_what_to_try(
    node: onnx.NodeProto, kinds: dict[str, int], words: str, trt: Any, tmp_path: Path
) -> None:
    weights = (numpy_helper.from_array(np.ones((4, 5, 3, 3), np.float32), "w"),) if "w" in node.input else ()
    path = save(tmp_path / "m.onnx", node, kinds=kinds, weights=weights)
    with pytest.raises(ModelError, match=rf"m\.onnx: TensorRT does not parse it.*{words}") as caught:
        ParsedNetwork(trt, path, strongly_typed=True)
    assert "cudaError" not in str(caught.value)  # what TensorRT adds where there is no GPU is not the reason


def test_a_file_that_is_no_onnx_or_not_there(trt: Any, tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    path.write_bytes(b"\x08\x08 no graph")
    with pytest.raises(ModelError, match=r"m\.onnx: TensorRT does not parse it: .*it is no ONNX file"):
        ParsedNetwork(trt, path, strongly_typed=True)
    with pytest.raises(InputError, match=r"absent\.onnx: cannot be read: No such file"):
        ParsedNetwork(trt, tmp_path / "absent.onnx", strongly_typed=True)


def test_8_6_names_the_node_by_its_number_alone(tmp_path: Path) -> None:
    path = save(tmp_path / "m.onnx", helper.make_node("Warp", ["x"], ["y"], name="warp", domain="acme"), kinds=FLOATS)
    error = SimpleNamespace(
        node=lambda: 0,
        desc=lambda: "No importer registered for op: Warp",
        code=lambda: SimpleNamespace(name="UNSUPPORTED_NODE"),
    )
    problem, remedy = parse_problem(SimpleNamespace(num_errors=1, get_error=lambda index: error), path)
    assert problem == ("TensorRT does not parse it (opset 17): node 0 warp (Warp): No importer registered for op: Warp")
    assert "`plugins`" in remedy


def test_weights_beside_the_graph_are_found(trt: Any, tmp_path: Path) -> None:
    model = onnx.load(str(make_demo_network_onnx(tmp_path / "whole.onnx")))
    path = tmp_path / "graph.onnx"
    onnx.save(model, str(path), save_as_external_data=True, location="weights.bin", size_threshold=0)
    parsed = ParsedNetwork(trt, path, strongly_typed=True)
    assert parsed.inputs() == {"images": (1, 3, 64, 64)}
    assert parsed.tensor_types()["detections"] == "FLOAT"


def test_types_are_not_read_of_a_network_that_has_none_of_its_own(tmp_path: Path) -> None:
    path = save(tmp_path / "m.onnx", helper.make_node("Relu", ["x"], ["y"], name="relu"), kinds=FLOATS)
    with pytest.raises(InputError, match=r"TensorRT 8\.6\.1 has no strongly typed networks; use TensorRT 10"):
        ParsedNetwork(FakeTensorRt(8), path, strongly_typed=True)


def test_no_builder_is_the_devices_fault(tmp_path: Path) -> None:
    trt = FakeTensorRt(8)

    def fail(logger: Any) -> Any:
        trt.logger = logger
        trt.say("ERROR", "CUDA initialization failure with error: 100")
        raise TypeError("pybind11::init(): factory function returned nullptr")

    trt.Builder = fail  # type: ignore[method-assign]
    path = save(tmp_path / "m.onnx", helper.make_node("Relu", ["x"], ["y"], name="relu"), kinds=FLOATS)
    with pytest.raises(DeviceError, match=r"no builder: CUDA initialization failure.*trt-perception doctor"):
        ParsedNetwork(trt, path, strongly_typed=False)
