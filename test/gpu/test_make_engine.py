"""An engine made from a model, as users make it: quantized, built, verified, loaded, and then left alone.

Needs a CUDA GPU, TensorRT with the CUDA packages, onnx, ONNX Runtime. Left unchecked: how accurate and fast larger
models are (`trt-perception judge`, `bench`); the network is that of the demo, narrow, with random weights.
"""

from __future__ import annotations

import dataclasses
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.build_request import make_request
from helpers.max_ranges import outputs, random_feeds

from trt_perception.cli.demo import SHIPPED_MODEL
from trt_perception.cli.main import main
from trt_perception.engine.engine_account import read_engine_account
from trt_perception.engine.engine_options import EngineOptions
from trt_perception.engine.engine_request import EngineRequest
from trt_perception.engine.gpu_identity import current_gpu
from trt_perception.engine.load_engine_file import load_engine_file
from trt_perception.engine.made_engine import MadeEngine
from trt_perception.engine.make_engine import make_engine
from trt_perception.engine.manifest import read_manifest
from trt_perception.engine.tensorrt_module import identify
from trt_perception.precision.named_plan import named_plan
from trt_perception.precision.precision_plan import Precision

pytestmark = [pytest.mark.gpu, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def asked(trt: Any, tmp_path_factory: pytest.TempPathFactory) -> EngineRequest:
    folder = tmp_path_factory.mktemp("made")
    options = EngineOptions(optimization_level=1, timing_cache=str(folder / "timing.cache"))
    return dataclasses.replace(make_request(folder), module="tensorrt", options=options)


@pytest.fixture(scope="module")
def made(asked: EngineRequest) -> MadeEngine:
    return make_engine(asked)


def test_the_engine_is_the_plan(made: MadeEngine) -> None:
    check = made.manifest.verification
    assert check is not None
    assert check.not_honoured == {}
    account = read_engine_account(made.path, made.manifest)
    assert account is not None
    planned = {node.name for node in account.nodes if node.op_type == "Conv" and node.precision is Precision.INT8}
    assert planned
    assert planned - set(check.undetermined) <= set(check.honoured)
    assert len(check.undetermined) < len(planned) / 4


def test_the_manifest_tells_this_machine(made: MadeEngine, trt: Any) -> None:
    here = current_gpu()
    manifest = made.manifest
    assert (manifest.gpu.name, manifest.gpu.compute_capability) == (here.name, here.compute_capability)
    assert manifest.tensorrt == identify(trt)
    assert manifest.build is not None
    assert manifest.build.timing_cache == "made"
    loaded = load_engine_file(made.path, tensorrt=identify(trt), gpu=here)
    assert loaded.manifest == manifest


def test_the_card_shows_layers_by_region(made: MadeEngine) -> None:
    card = made.path.with_name(made.path.name + ".md").read_text()
    for heading in ("## Flow", "## Layers by region and precision", "## Verification", "## Reformats"):
        assert heading in card


def test_the_engine_computes_what_the_model_does(made: MadeEngine, asked: EngineRequest) -> None:
    from trt_perception.runtime.tensorrt_backend import TensorRtBackend

    feeds = random_feeds(asked.model)
    with TensorRtBackend(made.manifest.spec, engine=made.path) as backend:
        found = backend.infer(feeds)
    names = [item.name for item in made.manifest.spec.outputs]
    for name, expected in zip(names, outputs(asked.model, feeds), strict=True):
        assert found[name].shape == expected.shape
        # INT8 with the ranges of this very image: far from chance, not exact.
        assert float(np.abs(found[name] - expected).mean()) < 0.15 * float(expected.std()), name


def test_the_second_time_nothing_is_built(made: MadeEngine, asked: EngineRequest) -> None:
    before = made.path.stat().st_mtime_ns
    start = time.monotonic()
    again = make_engine(asked)
    assert not again.built
    assert again.manifest == made.manifest
    assert made.path.stat().st_mtime_ns == before
    assert time.monotonic() - start < 10.0


def test_what_became_of_the_timing_cache_is_in_the_manifest(made: MadeEngine, asked: EngineRequest) -> None:
    out = made.path.with_name("again.engine")
    again = make_engine(dataclasses.replace(asked, out=out))
    assert again.manifest.build is not None
    # TensorRT 8.6 refuses the cache that it wrote itself where Myelin made kernels; test_build.py tells.
    assert again.manifest.build.timing_cache in ("accepted", "refused")
    refused = any("timing cache" in text for text in again.messages)
    assert refused == (again.manifest.build.timing_cache == "refused")


def test_another_plan_is_another_engine(made: MadeEngine, asked: EngineRequest) -> None:
    out = made.path.with_name("half.engine")
    half = make_engine(dataclasses.replace(asked, out=out, plan=named_plan("fp16"), calibration=None))
    assert half.manifest.key != made.manifest.key
    assert half.manifest.verification is not None
    assert half.manifest.verification.not_honoured == {}


def test_a_plan_from_elsewhere_is_adopted(
    made: MadeEngine, asked: EngineRequest, tmp_path: Path, trt: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = tmp_path / "from_trtexec.engine"
    shutil.copyfile(made.path, plan)
    assert main(["build", str(asked.model), "--adopt", str(plan)]) == 0
    assert f"{plan}: adopted" in capsys.readouterr().out
    assert read_manifest(plan).adopted
    loaded = load_engine_file(plan, tensorrt=identify(trt), gpu=current_gpu())
    assert any("adopted" in warning for warning in loaded.warnings)


def test_doctor_finds_that_it_loads(made: MadeEngine, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--engines", str(made.path.parent)]) == 0
    assert "loads: TensorRT" in capsys.readouterr().out


def test_control_c_ends_a_build_that_tensorrt_does_not_report(trt: Any, tmp_path: Path) -> None:
    out = tmp_path / "stopped.engine"
    # The demo's own model takes a minute and more.
    command = [sys.executable, "-m", "trt_perception.cli.main", "build", str(SHIPPED_MODEL), "--out", str(out)]
    command += ["--plan", "fp16", "--optimization-level", "5"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)
    time.sleep(12.0)
    assert process.poll() is None, "it ended before it could be stopped"
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60.0)
    assert process.returncode == 130
    assert "trt-perception build: interrupted" in said
    assert {path.name for path in tmp_path.iterdir()} == {"stopped.engine.lock"}
