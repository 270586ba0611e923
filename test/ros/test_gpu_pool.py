"""The node's models on simulated GPUs: what is opened how often, on which GPU, and what happens where that fails."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.cpu_kernel_bench import CpuKernelBench
from helpers.fake_engine import GPU, FakePlan, fake_tensorrt, plan_of, write_fake_engine
from helpers.gpu_pipeline_rig import picture
from helpers.simulated_gpu import SimulatedDevice, SimulatedGpu
from helpers.tiny_onnx import make_yolox_onnx

from trt_perception.errors import ConfigError, DeviceError, MissingError
from trt_perception.model.load_spec import load_spec
from trt_perception.ros.model_pool import ModelPool
from trt_perception.runtime import make_backend, open_engine, usual_frame
from trt_perception.runtime.gpu_pipeline import GpuPipeline
from trt_perception.settings.camera_settings import CameraSettings
from trt_perception.settings.execution_path import ExecutionPath
from trt_perception.settings.model_settings import ModelSettings
from trt_perception.settings.perception_settings import PerceptionSettings
from trt_perception.settings.pipeline_settings import PipelineSettings
from trt_perception.thresholds import Thresholds

DAY = PipelineSettings(name="day", model="boxes", score_threshold=0.4)
NIGHT = PipelineSettings(name="night", model="boxes", namespace="night", score_threshold=0.2, cameras=("front",))


@dataclass(kw_only=True)
class Machine:
    """A machine with simulated GPUs and one engine on its disk."""

    settings: PerceptionSettings
    device: SimulatedDevice
    plan: FakePlan
    opened: list[int] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    warned: list[str] = field(default_factory=list)

    def pool(self, **changes: Any) -> ModelPool:
        settings = replace(self.settings, **changes)
        return ModelPool(settings, say=self.said.append, warn=self.warned.append)


@pytest.fixture
def machine(tmp_path: Path, cpu_compiler: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Machine]:
    model = make_yolox_onnx(tmp_path / "boxes.onnx")
    spec = load_spec(model)
    write_fake_engine(tmp_path / "boxes.engine", spec)
    bench = CpuKernelBench(cpu_compiler)
    device = SimulatedDevice(3, bench=bench)
    plan = plan_of(
        spec, lambda inputs: {item.name: np.zeros(item.shape, np.float32) for item in spec.outputs}, device=device
    )
    made = Machine(
        settings=PerceptionSettings(
            cameras=(CameraSettings(name="front", priority=5), CameraSettings(name="back")),
            models=(ModelSettings(name="boxes", spec=str(model)),),
            pipelines=(DAY, NIGHT),
        ),
        device=device,
        plan=plan,
    )

    def gpu(index: int = 0) -> SimulatedGpu:
        made.opened.append(index)
        return device.gpu(index)

    monkeypatch.setitem(sys.modules, "tensorrt", fake_tensorrt(plan))
    monkeypatch.setattr(open_engine, "current_gpu", lambda device: GPU)
    monkeypatch.setattr(open_engine, "Gpu", gpu)
    monkeypatch.setattr(make_backend, "_has", lambda module: True)
    monkeypatch.setattr(usual_frame, "WIDTH", 48)
    monkeypatch.setattr(usual_frame, "HEIGHT", 40)
    yield made
    bench.clear()


def processors(pool: ModelPool) -> dict[tuple[str, str], GpuPipeline]:
    found = {("day", "front"): None, ("day", "back"): None, ("night", "front"): None}
    return {key: pool.pipelines[key[0]].processor(key[1]) for key in found}  # type: ignore[misc]


def test_one_engine_a_gpu_one_upload_a_camera_one_pipeline_for_each_camera(machine: Machine) -> None:
    pool = machine.pool()
    pool.open()
    assert machine.opened == [0]
    found = processors(pool)
    assert len(set(map(id, found.values()))) == 3
    machine.device.uploads.clear()
    frame = picture(0)
    tickets = [found["day", "front"].start([frame]), found["night", "front"].start([frame])]
    assert [len(ticket.result().heads) for ticket in tickets] == [1, 1]
    assert len(machine.device.uploads) == 1
    assert pool.backend_names == {"boxes": "TensorRT 8.6.1 (Some GPU 0, path gpu, pipelines: 3, CUDA graph)"}
    pool.close()
    pool.close()
    assert machine.device.live == 0
    assert all(stream.is_closed for stream in machine.device.streams.values())


def test_cameras_may_be_on_several_gpus(machine: Machine) -> None:
    cameras = (CameraSettings(name="front"), CameraSettings(name="back", device=1))
    pool = machine.pool(cameras=cameras)
    pool.open()
    assert machine.opened == [0, 1]
    assert "Some GPU 0, Some GPU 1" in pool.backend_names["boxes"]
    pool.close()


def test_the_front_cameras_streams_go_first(machine: Machine) -> None:
    pool = machine.pool()
    pool.open()
    found = processors(pool)
    priorities = {key: pipeline.stream.priority for key, pipeline in found.items()}  # type: ignore[attr-defined]
    assert priorities == {("day", "front"): -5, ("night", "front"): -5, ("day", "back"): 0}
    pool.close()


def test_thresholds_reach_every_camera_of_a_pipeline(machine: Machine) -> None:
    pool = machine.pool()
    pool.open()
    pool.pipelines["day"].thresholds = Thresholds(score=0.7)
    with pytest.raises(ConfigError, match="lorry"):
        pool.pipelines["day"].thresholds = Thresholds(per_class={"lorry": 0.1})
    scores = {key: pipeline.thresholds.score for key, pipeline in processors(pool).items()}
    assert scores == {("day", "front"): 0.7, ("day", "back"): 0.7, ("night", "front"): 0.2}
    assert pool.pipelines["day"].spec == pool.specs["boxes"]
    pool.close()


def test_memory_is_said_before_it_is_taken_and_too_much_is_refused(machine: Machine) -> None:
    pool = machine.pool()
    pool.open()
    pool.close()
    assert len(machine.said) == 1
    assert "model boxes: 3 pipelines on GPU 0 take" in machine.said[0]
    machine.device.free = 5 * 2**20
    with pytest.raises(DeviceError, match=r"3 pipelines on GPU 0 take .* MiB are free: run fewer cameras or models"):
        pool.open()
    assert machine.device.live == 0


def no_kernels(source: object, **options: object) -> None:
    raise MissingError("NVRTC is not installed", "install it")


@pytest.mark.parametrize("path", [ExecutionPath.GPU, ExecutionPath.GPU_OR_HOST])
def test_where_kernels_cannot_be_had_the_setting_decides(
    machine: Machine, path: ExecutionPath, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SimulatedGpu, "load_kernel", lambda self, source: no_kernels(source))
    pool = machine.pool(path=path)
    if path is ExecutionPath.GPU:
        with pytest.raises(MissingError, match="NVRTC"):
            pool.open()
        assert machine.device.live == 0
        return
    pool.open()
    assert not isinstance(pool.pipelines["day"].processor("front"), GpuPipeline)
    (warning,) = pool.warnings
    assert warning.startswith("model boxes: the host preprocesses and decodes its frames (path gpu_or_host): NVRTC")
    assert pool.pipelines["day"].processor("front").process([picture(0)]).heads
    pool.close()
    assert machine.device.live == 0


def test_the_host_path_is_taken_where_it_is_asked_for(machine: Machine) -> None:
    pool = machine.pool(path=ExecutionPath.HOST)
    pool.open()
    assert not isinstance(pool.pipelines["day"].processor("front"), GpuPipeline)
    assert pool.warnings == ()
    assert "contexts: 2" in pool.backend_names["boxes"]
    pool.close()


def test_what_tensorrt_lacks_is_said_as_on_the_host(machine: Machine, tmp_path: Path) -> None:
    (tmp_path / "boxes.engine").unlink()
    with pytest.raises(MissingError, match=r"there is no engine .*boxes\.engine.*trt-perception build"):
        machine.pool().open()


def register(machine: Machine, pool: ModelPool) -> Callable[[], None]:
    return pool.register(4096, 8192)


def test_shared_memory_is_pinned_and_given_back(machine: Machine) -> None:
    pool = machine.pool()
    pool.open()
    undo = register(machine, pool)
    assert machine.device.registered == {4096: 8192}
    undo()
    assert machine.device.registered == {}
    pool.close()


def test_shared_memory_that_cannot_be_pinned_is_told_and_used_all_the_same(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: SimulatedGpu, address: int, nbytes: int) -> None:
        raise DeviceError("cudaHostRegister fails: cudaErrorMemoryAllocation")

    monkeypatch.setattr(SimulatedGpu, "register", refuse)
    pool = machine.pool()
    pool.open()
    register(machine, pool)()
    assert len(machine.warned) == 1
    assert "uploads take two to three times as long" in machine.warned[0]
    pool.close()
