"""Plans of small networks, built in a child process by the TensorRT of this machine, and looked into.

Needs a CUDA GPU, TensorRT (8.6 or newer), onnx, ONNX Runtime. Left unchecked: what the engines give and how fast they
are, which the accuracy gate and the benchmarks do; DLA cores, which no machine here has.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from trt_perception.engine.build_plan import BuiltPlan
from trt_perception.engine.build_process import build_in_child
from trt_perception.engine.engine_io import engine_tensors
from trt_perception.engine.engine_options import EngineOptions, ShapeProfile
from trt_perception.engine.features import features_of
from trt_perception.engine.layer_check import check_layers
from trt_perception.engine.open_plan import open_plan
from trt_perception.engine.read_layers import inspect_engine
from trt_perception.precision.account import Account
from trt_perception.precision.precision_plan import (
    Precision,
    PrecisionPlan,
    RegionPatterns,
    RegionPrecisions,
    RegionSource,
    load_plan,
)
from trt_perception.precision.quantize import Emitter, quantize

pytestmark = [pytest.mark.gpu, pytest.mark.timeout(400)]

pytest.importorskip("tensorrt", reason="TensorRT is absent")

from helpers.demo_network_onnx import make_demo_network_onnx  # noqa: E402
from helpers.depthwise_onnx import make_depthwise_onnx  # noqa: E402
from helpers.quantized_graph import quantized  # noqa: E402
from helpers.tensorrt_surface import problems  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
PLANS = sorted((ROOT / "config" / "precision").glob("*.yaml"))
INT8_EVERYWHERE: dict[str, Any] = {"regions": RegionSource.NAMES, "patterns": RegionPatterns(backbone=("*",))}
QUICK = EngineOptions(optimization_level=1, workspace_mib=512)


def build(graph: Path, account: Account, options: EngineOptions = QUICK) -> BuiltPlan:
    return build_in_child("tensorrt", graph, account, options)


def emitter(trt: Any) -> Emitter:
    return Emitter(features_of(trt).emitter)


@pytest.mark.parametrize("kept", [{"keep_depthwise": True}, {"keep_fp32": ("depthwise",)}], ids=["fp16", "fp32"])
def test_a_depthwise_layer_with_silu_can_stay_out_of_int8(kept: dict[str, Any], trt: Any, tmp_path: Path) -> None:
    """As in YOLOX-nano, where TensorRT 8.6 found no implementation for the depthwise Conv with its SiLU."""
    plan = PrecisionPlan(**INT8_EVERYWHERE, **kept)
    graph, account = quantized(make_depthwise_onnx(tmp_path / "m.onnx"), plan, tmp_path, emitter=emitter(trt))
    assert {node.name: node.precision is Precision.INT8 for node in account.nodes if node.op_type == "Conv"} == {
        "first": True, "depthwise": False, "last": True,
    }  # fmt: skip
    built = build(graph, account)
    with open_plan(trt, built.plan, name="depthwise") as engine:
        check_layers(inspect_engine(trt, engine), account).require()


@pytest.mark.parametrize("plan", PLANS, ids=lambda path: path.stem)
def test_every_plan_builds_and_the_model_keeps_its_types(plan: Path, trt: Any, tmp_path: Path) -> None:
    model = make_demo_network_onnx(tmp_path / "model.onnx")
    graph, account = quantized(model, load_plan(plan), tmp_path, emitter=emitter(trt))
    built = build(graph, account)
    assert not any(text.startswith("error") for text in built.messages)
    assert not any("not pinned" in text for text in built.messages)
    with open_plan(trt, built.plan, name="demo") as engine:
        assert {(tensor.name, tensor.dtype) for tensor in engine_tensors(trt, engine)} == {
            ("images", "float32"), ("detections", "float32"), ("segmentation", "float32"),
        }  # fmt: skip
        check_layers(inspect_engine(trt, engine), account).require()


def test_a_timing_cache_is_made_and_taken_by_the_next_process(trt: Any, tmp_path: Path) -> None:
    model = make_demo_network_onnx(tmp_path / "model.onnx")
    graph, account = quantized(model, PrecisionPlan(), tmp_path, emitter=emitter(trt))
    options = EngineOptions(optimization_level=1, timing_cache=str(tmp_path / "timing.cache"))
    first, second = build(graph, account, options), build(graph, account, options)
    assert first.timing_cache == "made"
    if second.timing_cache == "refused" and any("Myelin" in text for text in second.messages):
        pytest.skip(f"TensorRT {trt.__version__} refuses the cache that it wrote itself (Myelin error), and says so")
    assert second.timing_cache == "accepted"
    assert second.seconds < first.seconds


def test_a_damaged_timing_cache_is_refused_and_the_engine_built(trt: Any, tmp_path: Path) -> None:
    path = tmp_path / "timing.cache"
    path.write_bytes(b"damaged" * 1000)
    graph, account = quantized(make_depthwise_onnx(tmp_path / "m.onnx"), _fp16(), tmp_path, emitter=emitter(trt))
    built = build(graph, account, EngineOptions(optimization_level=1, timing_cache=str(path)))
    assert built.timing_cache == "refused"
    assert built.plan
    assert not path.read_bytes().startswith(b"damaged")


@pytest.mark.parametrize("wider", ["version_compatible", "hardware_compatible"])
def test_plans_for_more_than_this_machine_load_here_too(wider: str, trt: Any, tmp_path: Path) -> None:
    graph, account = quantized(make_depthwise_onnx(tmp_path / "m.onnx"), _fp16(), tmp_path, emitter=emitter(trt))
    built = build(graph, account, dataclasses.replace(QUICK, **{wider: True}))
    with open_plan(trt, built.plan, name=wider) as engine:
        assert engine.num_io_tensors == 2


def test_an_open_batch_is_built_for_its_profile(trt: Any, tmp_path: Path) -> None:
    graph = tmp_path / "open.onnx"
    account = quantize(
        make_depthwise_onnx(tmp_path / "m.onnx", batch="n"), _fp16(), None, emitter=emitter(trt), out=graph
    )
    shapes = ((1, 3, 32, 32), (4, 3, 32, 32), (8, 3, 32, 32))
    profile = ShapeProfile(input="images", min=shapes[0], opt=shapes[1], max=shapes[2])
    built = build(graph, account, EngineOptions(optimization_level=1, profiles=(profile,)))
    with open_plan(trt, built.plan, name="open") as engine:
        assert tuple(tuple(shape) for shape in engine.get_tensor_profile_shape("images", 0)) == shapes


def test_this_tensorrt_has_what_is_used(trt: Any) -> None:
    assert problems(trt) == []


def _fp16() -> PrecisionPlan:
    return PrecisionPlan(precisions=RegionPrecisions(backbone=Precision.FP16, neck=Precision.FP16))
