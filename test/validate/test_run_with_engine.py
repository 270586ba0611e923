"""A validation of an engine; TensorRT and the GPU are stand-ins that compute on the host."""

from __future__ import annotations

import dataclasses
import hashlib
import sys
from pathlib import Path

import pytest
from helpers.fake_engine import GPU, PLAN, fake_tensorrt, plan_of, write_fake_engine
from helpers.fake_gpu import FakeDevice
from helpers.validation_bag import SCORE, TinyPipeline, write_scene_bag

from trt_perception.model.load_spec import load_spec
from trt_perception.precision.precision_plan import PrecisionPlan
from trt_perception.runtime import open_engine
from trt_perception.runtime.onnxruntime_backend import OnnxRuntimeBackend
from trt_perception.runtime.pipeline import Pipeline
from trt_perception.runtime.tensorrt_backend import TensorRtBackend
from trt_perception.validate.run_folder import RunFolder
from trt_perception.validate.validate_run import validate_run
from trt_perception.validate.validation_options import ValidationOptions

pytest.importorskip("onnxruntime", reason="needs ONNX Runtime")
pytest.importorskip("pycocotools", reason="needs pycocotools")


def test_an_engine_is_named_by_its_plan_and_its_frames_are_those_of_its_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_cpu = TinyPipeline(tmp_path)
    spec = load_spec(on_cpu.model)
    engine = tmp_path / "tiny.engine"
    write_fake_engine(engine, spec, precision_plan=PrecisionPlan(name="fp16"))
    engine_spec = dataclasses.replace(spec, model=str(engine))
    bag = write_scene_bag(tmp_path / "scene")
    options = ValidationOptions(score=SCORE)
    with OnnxRuntimeBackend(spec, threads=1) as session:
        device = FakeDevice()
        plan = plan_of(spec, session.infer, device=device)
        monkeypatch.setitem(sys.modules, "tensorrt", fake_tensorrt(plan))
        monkeypatch.setattr(open_engine, "current_gpu", lambda device: GPU)
        monkeypatch.setattr(open_engine, "Gpu", device.gpu)
        by_engine = validate_run(
            [bag],
            lambda: Pipeline(engine_spec, TensorRtBackend(engine_spec, engine=engine)),
            tmp_path / "engine",
            options=options,
        )
    by_model = validate_run([bag], on_cpu, tmp_path / "model", options=options)
    assert by_engine.model.backend == "TensorRT 8.6.1"
    assert by_engine.model.sha256 == hashlib.sha256(PLAN).hexdigest()
    assert by_engine.model.precision == "fp16"
    assert by_model.model.precision is None
    assert (by_engine.detection, by_engine.masks) == (by_model.detection, by_model.masks)
    frames = [[record.to_plain() for record in RunFolder(tmp_path / name).frames()] for name in ("engine", "model")]
    assert frames[0] == frames[1]
