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
from trt_perception.model.model_spec import ModelSpec
from trt_perception.ros.perception_node import PerceptionNode
from trt_perception.runtime import make_backend, open_engine, usual_frame
from trt_perception.runtime.pipeline import Pipeline
from trt_perception.thresholds import Thresholds

SPEC = spec_of()
PAIR = spec_of(inputs=("visible", "infrared"))
SINGLES = """\
cameras: [{name: front, priority: 5}, {name: back}]
pipelines: [{name: both, model: tiny}, {name: sure, model: tiny, namespace: sure, score_threshold: 0.6}]
"""
SETS = """\
cameras: [{name: front, priority: 5}, {name: back}, {name: infrared}]
pipelines:
  - {name: night, model: tiny, sets: [[front, infrared], [back, infrared]], pairing: {deadline_ms: 500}}
"""


@pytest.fixture(params=[(SPEC, SINGLES)], ids=["singles"])
def case(request: pytest.FixtureRequest) -> tuple[ModelSpec, str]:
    """The model, and what the config says of cameras and pipelines."""
    found: tuple[ModelSpec, str] = request.param
    return found


@pytest.fixture
def device(
    case: tuple[ModelSpec, str], tmp_path: Path, cpu_compiler: Any, monkeypatch: pytest.MonkeyPatch
) -> Iterator[SimulatedDevice]:
    """A machine with one simulated GPU, and one engine on its disk."""
    spec, _ = case
    write_fake_engine(tmp_path / "tiny.engine", spec)
    bench = CpuKernelBench(cpu_compiler)
    found = SimulatedDevice(7, bench=bench)
    monkeypatch.setitem(sys.modules, "tensorrt", fake_tensorrt(plan_of(spec, engine_function, device=found)))
    monkeypatch.setattr(open_engine, "current_gpu", lambda index: GPU)
    monkeypatch.setattr(open_engine, "Gpu", found.gpu)
    monkeypatch.setattr(make_backend, "_has", lambda module: True)
    monkeypatch.setattr(usual_frame, "WIDTH", 48)
    monkeypatch.setattr(usual_frame, "HEIGHT", 40)
    yield found
    bench.clear()


@pytest.fixture
def node(case: tuple[ModelSpec, str], device: SimulatedDevice, tmp_path: Path) -> Iterator[PerceptionNode]:
    config = tmp_path / "perception.yaml"
    config.write_text(f"models: [{{name: tiny, spec: {tmp_path / 'tiny.engine'}}}]\n{case[1]}")
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


@pytest.mark.parametrize("case", [(PAIR, SETS)], ids=["sets"], indirect=True)
def test_sets_publish_what_the_host_finds_in_both_images_and_share_a_partner(
    node: PerceptionNode, device: SimulatedDevice
) -> None:
    assert node.system is not None
    assert "path gpu, pipelines: 2, CUDA graph" in node.system.models.backend_names["tiny"]
    visible, infrared = picture(1), picture(2)
    with Pipeline(PAIR, FunctionBackend(PAIR), thresholds=Thresholds(score=0.3)) as pipeline:
        expected, swapped = (
            pipeline.process(frames).heads["boxes"] for frames in ([visible, infrared], [infrared, visible])
        )
    assert isinstance(expected, Detections)
    assert isinstance(swapped, Detections)
    assert expected.scores.tolist() != swapped.scores.tolist()
    with RosProbe() as probe:
        listeners = [probe.listen(Detection2DArray, f"/{camera}/detections") for camera in ("front", "back")]
        senders = [probe.advertise(Image, f"/{camera}/image_raw") for camera in ("front", "back", "infrared")]
        images = [frame.data.reshape(frame.height, frame.width, 3) for frame in (visible, visible, infrared)]

        class All:
            """One image of every camera."""

            def publish(self, messages: list[bytes]) -> None:
                for sender, message in zip(senders, messages, strict=True):
                    sender.publish(message)

        def messages_of(stamp_ns: int) -> list[bytes]:
            return [message_of(image, stamp_ns) for image in images]

        for _ in range(3):
            for answer in probe.ask(All(), messages_of, *listeners):
                scores = [detection.results[0].hypothesis.score for detection in answer.detections]
                np.testing.assert_allclose(scores, expected.scores, rtol=0, atol=1e-6)


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
