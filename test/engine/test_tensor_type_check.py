"""TensorRT's own types against the plan: parsed and built by TensorRT-RTX on the CPU where it is installed.

Nothing is executed: TensorRT-RTX runs on no CPU.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import onnx
import pytest
from helpers.demo_network_onnx import make_demo_network_onnx
from helpers.quantized_graph import quantized
from helpers.tiny_onnx import make_multi_head_onnx, make_yolov8_onnx

from trt_perception.engine.build_plan import build_plan
from trt_perception.engine.engine_options import EngineOptions
from trt_perception.engine.parse_network import ParsedNetwork
from trt_perception.engine.tensor_type_check import TensorTypeCheck, check_tensor_types
from trt_perception.errors import GateError, ModelError
from trt_perception.precision.account import Account
from trt_perception.precision.precision_plan import Precision, PrecisionPlan, load_plan
from trt_perception.precision.quantize import Emitter, quantize

ROOT = Path(__file__).resolve().parents[2]
PLANS = sorted((ROOT / "config" / "precision").glob("*.yaml"))
YOLOX_NANO = ROOT.parent / "shared" / "models" / "yolox_nano_coco.onnx"
SHIPPED = [
    pytest.param(ROOT / "trt_perception" / "demo" / "model" / "demo_model.onnx", id="demo_model"),
    pytest.param(
        YOLOX_NANO,
        id="yolox_nano",
        marks=pytest.mark.skipif(not YOLOX_NANO.is_file(), reason="../shared/models/yolox_nano_coco.onnx is absent"),
    ),
]


@pytest.fixture(scope="module")
def trt() -> Any:
    return pytest.importorskip("tensorrt_rtx_bindings", reason="TensorRT-RTX (tensorrt-rtx-cu13-bindings) is absent")


def parsed(trt: Any, graph: Path) -> ParsedNetwork:
    return ParsedNetwork(trt, graph, strongly_typed=True)


@pytest.mark.parametrize("plan", PLANS, ids=lambda path: path.stem)
@pytest.mark.parametrize("make", [make_demo_network_onnx, make_yolov8_onnx, make_multi_head_onnx])
def test_tensorrt_sees_the_planned_types(make: Callable[[Path], Path], plan: Path, trt: Any, tmp_path: Path) -> None:
    graph, account = quantized(make(tmp_path / "model.onnx"), load_plan(plan), tmp_path)
    check = check_tensor_types(parsed(trt, graph), account)
    assert check.not_honoured == {}
    assert len(check.undetermined) <= len(check.honoured) // 20
    check.require()


@pytest.mark.parametrize("plan", PLANS, ids=lambda path: path.stem)
@pytest.mark.parametrize("model", SHIPPED)
def test_tensorrt_sees_the_planned_types_of_real_models_and_builds_them(
    model: Path, plan: Path, trt: Any, tmp_path: Path
) -> None:
    graph, account = quantized(model, load_plan(plan), tmp_path)
    check = check_tensor_types(parsed(trt, graph), account)
    assert check.not_honoured == {}
    assert check.undetermined == ()
    assert len(check.honoured) > len(account.nodes) // 2
    built = build_plan(trt, graph, account, EngineOptions(ahead_of_time="SM89"))
    assert len(built.plan) > 10**6


def test_names_what_tensorrt_types_otherwise(trt: Any, tmp_path: Path) -> None:
    graph, account = quantized(make_demo_network_onnx(tmp_path / "model.onnx"), PrecisionPlan(), tmp_path)
    broken = dataclasses.replace(
        account, tensor_types={**account.tensor_types, "neck.Add": Precision.FP32, "elsewhere": Precision.INT8}
    )
    check = check_tensor_types(parsed(trt, graph), broken)
    assert check.not_honoured == {"neck.Add": ("fp32", "HALF")}
    assert check.undetermined == ("elsewhere",)
    with pytest.raises(GateError, match=r"neck\.Add HALF instead of fp32"):
        check.require()


def test_a_model_that_came_quantized_is_checked_and_built_too(trt: Any, tmp_path: Path) -> None:
    source, _ = quantized(make_demo_network_onnx(tmp_path / "model.onnx"), PrecisionPlan(), tmp_path)
    graph = tmp_path / "again.onnx"
    account = quantize(source, PrecisionPlan(), None, emitter=Emitter.STRONG, out=graph)
    assert account.emitter == "carried"
    check = check_tensor_types(parsed(trt, graph), account)
    assert check.not_honoured == {}
    assert len(check.honoured) > len(account.nodes) // 2
    assert len(build_plan(trt, graph, account, EngineOptions(ahead_of_time="SM89")).plan) > 10**4


def test_a_graph_without_one_of_its_casts_does_not_pass(trt: Any, tmp_path: Path) -> None:
    plan = load_plan(ROOT / "config" / "precision" / "fp16.yaml")
    path, account = quantized(make_demo_network_onnx(tmp_path / "model.onnx"), plan, tmp_path)
    assert account.casts[0].tensor == "images"
    graph = onnx.load(str(path))
    cast = next(node for node in graph.graph.node if node.op_type == "Cast")
    for node in graph.graph.node:
        node.input[:] = ["images" if tensor == cast.output[0] else tensor for tensor in node.input]
    onnx.save(graph, str(path))
    with pytest.raises(ModelError, match=r"strong\.onnx: TensorRT does not .* node 1 .*trt-perception quantize"):
        parsed(trt, path)


class _Network:
    """What the check reads of a parsed network."""

    def __init__(self, types: dict[str, str]) -> None:
        self._types = types

    def tensor_types(self) -> dict[str, str]:
        return self._types


@pytest.mark.parametrize(
    ("found", "verdict"),
    [
        pytest.param({"y": "HALF"}, (("y",), {}, ()), id="honoured"),
        pytest.param({"y": "FLOAT"}, ((), {"y": ("fp16", "FLOAT")}, ()), id="not_honoured"),
        pytest.param({"y": "BF16"}, ((), {"y": ("fp16", "BF16")}, ()), id="another_kind"),
        pytest.param({}, ((), {}, ("y",)), id="undetermined"),
    ],
)
def test_three_verdicts(found: dict[str, str], verdict: tuple[Any, Any, Any]) -> None:
    account = Account(
        model="m.onnx", model_sha256="", emitter="strong", opset=19, source_opset=17, plan=PrecisionPlan(),
        nodes=(), tensor_types={"y": Precision.FP16},
    )  # fmt: skip
    honoured, not_honoured, undetermined = verdict
    expected = TensorTypeCheck(honoured=honoured, not_honoured=not_honoured, undetermined=undetermined)
    network: Any = _Network(found)
    assert check_tensor_types(network, account) == expected
