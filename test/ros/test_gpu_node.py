"""The node with its whole way on a simulated GPU, from camera topics to results through real DDS."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import pytest
from helpers.cpu_kernel_bench import CpuKernelBench
from helpers.fake_engine import GPU, fake_tensorrt, plan_of, write_fake_engine
from helpers.gpu_pipeline_rig import FunctionBackend, engine_function, picture, spec_of
from helpers.simulated_gpu import SimulatedDevice
from numpy.typing import NDArray

rclpy = pytest.importorskip("rclpy", reason="ROS is not here")
pytest.importorskip("vision_msgs", reason="vision_msgs is not here")

# ruff: noqa: E402  what needs ROS is imported once it is known to be here
from helpers.ros_probe import RosProbe
from rclpy.executors import SingleThreadedExecutor
from sensor_msgs.msg import Image
from vision_msgs.msg import Detection2DArray

from trt_perception.cdr.image_message import encode_image
from trt_perception.detections import Detections
from trt_perception.ros.perception_node import PerceptionNode
from trt_perception.runtime import make_backend, open_engine, usual_frame
from trt_perception.runtime.pipeline import Pipeline
from trt_perception.thresholds import Thresholds

SPEC = spec_of()


@pytest.fixture
def device(tmp_path: Path, cpu_compiler: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[SimulatedDevice]:
    """A machine with one simulated GPU, and one engine on its disk."""
    write_fake_engine(tmp_path / "tiny.engine", SPEC)
    bench = CpuKernelBench(cpu_compiler)
    found = SimulatedDevice(7, bench=bench)
    monkeypatch.setitem(sys.modules, "tensorrt", fake_tensorrt(plan_of(SPEC, engine_function, device=found)))
    monkeypatch.setattr(open_engine, "current_gpu", lambda index: GPU)
    monkeypatch.setattr(open_engine, "Gpu", found.gpu)
    monkeypatch.setattr(make_backend, "_has", lambda module: True)
    monkeypatch.setattr(usual_frame, "WIDTH", 48)
    monkeypatch.setattr(usual_frame, "HEIGHT", 40)
    yield found
    bench.clear()


@pytest.fixture
def node(device: SimulatedDevice, tmp_path: Path) -> Iterator[PerceptionNode]:
    config = tmp_path / "perception.yaml"
    config.write_text(
        "cameras: [{name: front, priority: 5}, {name: back}]\n"
        f"models: [{{name: tiny, spec: {tmp_path / 'tiny.engine'}}}]\n"
        "pipelines: [{name: both, model: tiny}, {name: sure, model: tiny, namespace: sure, score_threshold: 0.6}]\n"
    )
    context = rclpy.Context()
    rclpy.init(context=context)
    arguments = ["--ros-args", "-p", f"config:={config}", "-p", "autostart:=true"]
    made = PerceptionNode(context=context, cli_args=arguments)
    executor = SingleThreadedExecutor(context=context)
    executor.add_node(made)
    assert made.autostart(), made.last_error
    spinning = Thread(target=executor.spin)
    spinning.start()
    yield made
    executor.shutdown()
    spinning.join()
    made.destroy_node()
    rclpy.try_shutdown(context=context)


LANES = (("", 0.3), ("sure/", 0.6))
"""Of each pipeline: what stands between camera and topic, and the lowest score."""


def test_every_pipeline_of_every_camera_publishes_what_the_host_finds(
    node: PerceptionNode, device: SimulatedDevice
) -> None:
    assert node.system is not None
    assert "path gpu, pipelines: 4, CUDA graph" in node.system.models.backend_names["tiny"]
    with RosProbe() as probe:
        for camera in ("front", "back"):
            check_camera(probe, camera)


def message_of(image: NDArray[np.uint8], stamp_ns: int) -> bytes:
    return encode_image(image, stamp_ns=stamp_ns, frame_id="optical", encoding="bgr8")


def check_camera(probe: RosProbe, camera: str) -> None:
    listeners = [probe.listen(Detection2DArray, f"/{camera}/{prefix}detections") for prefix, _ in LANES]
    publisher = probe.advertise(Image, f"/{camera}/image_raw")
    for seed in range(3):
        frame = picture(seed)
        image = frame.data.reshape(frame.height, frame.width, 3)
        answers = probe.ask(publisher, partial(message_of, image), *listeners)
        for (_, score), answer in zip(LANES, answers, strict=True):
            with Pipeline(SPEC, FunctionBackend(SPEC), thresholds=Thresholds(score=score)) as pipeline:
                expected = pipeline.process([frame]).heads["boxes"]
            assert isinstance(expected, Detections)
            scores = [detection.results[0].hypothesis.score for detection in answer.detections]
            np.testing.assert_allclose(scores, expected.scores, rtol=0, atol=1e-6)
