"""Connecting to Ray: what is refused, and what a task asks of its node."""

from __future__ import annotations

import socket
import sys
from pathlib import Path

import pytest
from helpers.validation_bag import TinyPipeline

from trt_perception import ConfigError, DeviceError, MissingError
from trt_perception.model.load_spec import load_spec
from trt_perception.runtime.engine_pipeline import EnginePipeline
from trt_perception.runtime.onnxruntime_backend import OnnxRuntimeBackend
from trt_perception.runtime.pipeline import Pipeline
from trt_perception.runtime.tensorrt_backend import TensorRtBackend
from trt_perception.validate.cluster_options import ClusterOptions
from trt_perception.validate.ray_cluster import TaskNeeds, ray_cluster


def test_a_missing_ray_is_named_with_its_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with (
        pytest.raises(MissingError, match="pip install 'trt_perception\\[cluster\\]'"),
        ray_cluster(ClusterOptions(), TaskNeeds()),
    ):
        pass


@pytest.mark.parametrize(
    "values",
    [
        pytest.param({"address": "drives/monday"}, id="bag_as_address"),
        pytest.param({"address": "ray://head:10001"}, id="ray_client"),
        pytest.param({"address": "head"}, id="no_port"),
        pytest.param({"workers": 0}, id="no_workers"),
        pytest.param({"workers": 2, "address": "head:6379"}, id="workers_of_a_cluster"),
        pytest.param({"tasks_per_gpu": 0}, id="no_tasks"),
        pytest.param({"retries": -1}, id="negative_retries"),
    ],
)
def test_bad_options_are_refused(values: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match="expected"):
        ClusterOptions(**values)  # type: ignore[arg-type]


def test_tasks_of_tensorrt_share_gpus_and_those_of_onnx_runtime_take_their_threads(tmp_path: Path) -> None:
    spec = load_spec(TinyPipeline(tmp_path).model)
    options = ClusterOptions(tasks_per_gpu=4)
    engine = tmp_path / "absent.engine"
    for tensorrt in (Pipeline(spec, TensorRtBackend(spec, engine=engine)), EnginePipeline(spec, engine=engine)):
        assert TaskNeeds.of(tensorrt, options) == TaskNeeds(cpus=1, gpus=0.25)
    on_cpu = Pipeline(spec, OnnxRuntimeBackend(spec, threads=3))
    assert TaskNeeds.of(on_cpu, options) == TaskNeeds(cpus=3, gpus=0.0)


def test_an_address_without_a_cluster_is_told_at_once() -> None:
    pytest.importorskip("ray", reason="needs Ray")
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{unused.getsockname()[1]}"
        with (
            pytest.raises(DeviceError, match=f"cluster {address}: Ray cannot be reached"),
            ray_cluster(ClusterOptions(address=address), TaskNeeds()),
        ):
            pass


def test_a_cluster_without_gpus_runs_no_tasks_that_need_one(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("ray", reason="needs Ray")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    with (
        pytest.raises(MissingError, match=r"no node has 1 CPUs and 0\.5 GPUs"),
        ray_cluster(ClusterOptions(), TaskNeeds(gpus=0.5)),
    ):
        pass
