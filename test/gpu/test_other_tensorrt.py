"""Everything of a build but the build itself, by the TensorRT that TRT_PERCEPTION_MODULE names (default: tensorrt).

Needs a CUDA GPU, that TensorRT, onnx, ONNX Runtime. For a TensorRT 10 that lacks the kernels of this machine's GPU: it
makes a builder, parses and configures. Left unchecked: building and running.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from trt_perception.engine.build_plan import configure_build
from trt_perception.engine.engine_options import EngineOptions
from trt_perception.engine.features import features_of
from trt_perception.engine.tensor_type_check import check_tensor_types
from trt_perception.precision.precision_plan import load_plan
from trt_perception.precision.quantize import Emitter

pytestmark = pytest.mark.gpu

MODULE = os.environ.get("TRT_PERCEPTION_MODULE", "tensorrt")
pytest.importorskip(MODULE, reason=f"{MODULE} is absent")

from helpers.demo_network_onnx import make_demo_network_onnx  # noqa: E402
from helpers.quantized_graph import quantized  # noqa: E402
from helpers.tensorrt_surface import problems  # noqa: E402

from trt_perception.engine.tensorrt_module import load_tensorrt  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
PLANS = sorted((ROOT / "config" / "precision").glob("*.yaml"))
MODELS = [
    pytest.param(make_demo_network_onnx, id="demo_network"),
    pytest.param(lambda path: ROOT / "trt_perception" / "demo" / "model" / "demo_model.onnx", id="demo_model"),
]


@pytest.fixture(scope="module")
def other() -> Any:
    return load_tensorrt(MODULE)


def test_it_has_what_is_used(other: Any) -> None:
    assert problems(other) == []


@pytest.mark.parametrize("plan", PLANS, ids=lambda path: path.stem)
@pytest.mark.parametrize("make", MODELS)
def test_every_plan_is_parsed_as_planned_and_configured(make: Any, plan: Path, other: Any, tmp_path: Path) -> None:
    emitter = Emitter(features_of(other).emitter)
    graph, account = quantized(make(tmp_path / "model.onnx"), load_plan(plan), tmp_path, emitter=emitter)
    build = configure_build(other, graph, account, EngineOptions())
    assert build.parsed.network.num_layers > 0
    assert build.config.profiling_verbosity == other.ProfilingVerbosity.DETAILED
    assert build.parsed.messages.errors() == ()
    if emitter is Emitter.STRONG:
        check = check_tensor_types(build.parsed, account)
        check.require()
        assert len(check.undetermined) <= len(check.honoured) // 20
