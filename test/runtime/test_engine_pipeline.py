"""A pipeline that is opened with its engine, on a simulated GPU."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers.cpu_kernel_bench import CpuKernelBench
from helpers.fake_engine import GPU, fake_tensorrt, plan_of, write_fake_engine
from helpers.gpu_pipeline_rig import FunctionBackend, assert_same, engine_function, picture, spec_of
from helpers.simulated_gpu import SimulatedDevice

from trt_perception.errors import DeviceError, EngineError, MissingError
from trt_perception.runtime import open_engine, usual_frame
from trt_perception.runtime.engine_pipeline import EnginePipeline
from trt_perception.runtime.gpu_pipeline import GpuPipeline
from trt_perception.runtime.pipeline import Pipeline
from trt_perception.thresholds import Thresholds

SPEC = spec_of()


@pytest.fixture
def device(cpu_compiler: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[SimulatedDevice]:
    bench = CpuKernelBench(cpu_compiler)
    found = SimulatedDevice(5, bench=bench)
    monkeypatch.setitem(sys.modules, "tensorrt", fake_tensorrt(plan_of(SPEC, engine_function, device=found)))
    monkeypatch.setattr(open_engine, "current_gpu", lambda index: GPU)
    monkeypatch.setattr(open_engine, "Gpu", found.gpu)
    monkeypatch.setattr(usual_frame, "WIDTH", 48)
    monkeypatch.setattr(usual_frame, "HEIGHT", 40)
    yield found
    bench.clear()


@pytest.fixture
def engine(tmp_path: Path) -> Path:
    write_fake_engine(tmp_path / "tiny.engine", SPEC)
    return tmp_path / "tiny.engine"


def test_it_finds_what_the_host_finds_and_says_what_it_ran_on(device: SimulatedDevice, engine: Path) -> None:
    thresholds = Thresholds(score=0.4)
    with EnginePipeline(SPEC, engine=engine, thresholds=thresholds) as pipeline:
        assert pipeline.name == "TensorRT 8.6.1, path gpu (Some GPU, CUDA graph)"
        for seed in range(3):
            with Pipeline(SPEC, FunctionBackend(SPEC), thresholds=thresholds) as reference:
                assert_same(pipeline.process([picture(seed)]), reference.process([picture(seed)]))
    assert not device.blocks
    assert all(stream.is_closed for stream in device.streams.values())


def test_one_that_judges_in_another_way_runs_the_same_engine(device: SimulatedDevice, engine: Path) -> None:
    thresholds = Thresholds(score=0.5)
    with EnginePipeline(SPEC, engine=engine).judging(SPEC, thresholds) as pipeline:
        assert (pipeline.engine, pipeline.thresholds) == (engine, thresholds)
        found = pipeline.process([picture(1)])
    with Pipeline(SPEC, FunctionBackend(SPEC), thresholds=thresholds) as reference:
        assert_same(found, reference.process([picture(1)]))


def test_a_frame_before_open_or_after_close_is_refused(device: SimulatedDevice, engine: Path) -> None:
    pipeline = EnginePipeline(SPEC, engine=engine)
    for _ in range(2):
        with pytest.raises(DeviceError, match="open the pipeline first"):
            pipeline.process([picture(0)])
        pipeline.open()
        pipeline.open()
        pipeline.process([picture(0)])
        pipeline.close()
        pipeline.close()
    assert not device.blocks


def test_what_cannot_be_opened_leaves_nothing(
    device: SimulatedDevice, engine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: GpuPipeline) -> None:
        raise MissingError("NVRTC is not here", "install it")

    with monkeypatch.context() as patch:
        patch.setattr(GpuPipeline, "open", fail)
        with pytest.raises(MissingError, match="NVRTC"):
            EnginePipeline(SPEC, engine=engine).open()
    assert not device.blocks
    engine.write_bytes(b"another plan")
    with pytest.raises(EngineError):
        EnginePipeline(SPEC, engine=engine).open()
    assert not device.blocks
