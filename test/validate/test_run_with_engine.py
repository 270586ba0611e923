"""A validation of an engine; TensorRT and the GPU are stand-ins that compute on the host."""

from __future__ import annotations

import argparse
import functools
import hashlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.cpu_kernel_bench import CpuKernelBench
from helpers.fake_engine import GPU, PLAN, fake_tensorrt, plan_of, write_fake_engine
from helpers.simulated_gpu import SimulatedDevice
from helpers.validation_bag import SCORE, TinyPipeline, write_scene_bag

from trt_perception.cli.model_arguments import add_model_arguments, make_pipeline
from trt_perception.model.load_spec import load_spec
from trt_perception.precision.precision_plan import PrecisionPlan
from trt_perception.runtime import make_backend, open_engine, usual_frame
from trt_perception.runtime.onnxruntime_backend import OnnxRuntimeBackend
from trt_perception.validate.run_folder import RunFolder
from trt_perception.validate.validate_run import validate_run
from trt_perception.validate.validation_options import ValidationOptions

pytest.importorskip("onnxruntime", reason="needs ONNX Runtime")
pytest.importorskip("pycocotools", reason="needs pycocotools")


@pytest.fixture
def bench(cpu_compiler: Any) -> Iterator[CpuKernelBench]:
    """Runs kernels on the CPU."""
    made = CpuKernelBench(cpu_compiler)
    yield made
    made.clear()


@pytest.mark.parametrize("path", ["gpu", "host"])
def test_an_engine_is_named_by_its_plan_and_its_frames_are_those_of_its_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bench: CpuKernelBench, path: str
) -> None:
    on_cpu = TinyPipeline(tmp_path)
    spec = load_spec(on_cpu.model)
    engine = tmp_path / "another_name.engine"
    write_fake_engine(engine, spec, precision_plan=PrecisionPlan(name="fp16"))
    bag = write_scene_bag(tmp_path / "scene")
    options = ValidationOptions(score=SCORE)
    parser = argparse.ArgumentParser()
    add_model_arguments(parser)
    words = ["--backend", "tensorrt", "--engine", str(engine), "--path", path]
    make = functools.partial(make_pipeline, on_cpu.model, parser.parse_args(words))
    with OnnxRuntimeBackend(spec, threads=1) as session:
        device = SimulatedDevice(3, bench=bench)
        plan = plan_of(spec, session.infer, device=device)
        monkeypatch.setitem(sys.modules, "tensorrt", fake_tensorrt(plan))
        monkeypatch.setattr(open_engine, "current_gpu", lambda device: GPU)
        monkeypatch.setattr(open_engine, "Gpu", device.gpu)
        monkeypatch.setattr(make_backend, "_has", lambda module: True)
        monkeypatch.setattr(usual_frame, "WIDTH", 64)
        monkeypatch.setattr(usual_frame, "HEIGHT", 48)
        by_engine = validate_run([bag], make, tmp_path / "engine", options=options)
    by_model = validate_run([bag], on_cpu, tmp_path / "model", options=options)
    assert by_engine.model.backend == {"gpu": "TensorRT 8.6.1, path gpu", "host": "TensorRT 8.6.1"}[path]
    assert by_engine.model.sha256 == hashlib.sha256(PLAN).hexdigest()
    assert by_engine.model.precision == "fp16"
    assert by_model.model.precision is None
    assert (by_engine.detection, by_engine.masks) == (by_model.detection, by_model.masks)
    frames = [[record.to_plain() for record in RunFolder(tmp_path / name).frames()] for name in ("engine", "model")]
    for one, other in zip(*frames, strict=True):
        boxes = [frame["detections"]["detection"].pop("boxes") for frame in (one, other)]
        np.testing.assert_allclose(*boxes, rtol=0, atol=1e-5 if path == "gpu" else 0)  # px; a box has an exponential
        assert one == other
    assert device.kernels if path == "gpu" else not device.kernels
    assert device.is_idle
