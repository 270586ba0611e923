"""A subscriber that has stopped reading holds up nobody: neither the node nor the other subscribers."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from helpers.fault_times import keep_times
from helpers.tiny_onnx import make_multi_head_onnx

pytest.importorskip("rclpy", reason="ROS is not here")
vision_msgs = pytest.importorskip("vision_msgs.msg", reason="vision_msgs is not here")

# ruff: noqa: E402  what needs ROS is imported once it is known to be here
from helpers.fault_watch import FaultWatch, image_message
from helpers.node_process import NodeProcess
from helpers.ros_probe import RosProbe, wait_until
from helpers.slow_subscriber import SlowSubscriber
from sensor_msgs.msg import Image

CONFIG = """\
backend: onnxruntime
threads: 1
cameras: [{{name: front}}]
models: [{{name: both, spec: {model}}}]
pipelines: [{{name: both, model: both, score_threshold: 0.0, max_detections: 5}}]
"""
TOPICS = {"/front/detections": "vision_msgs.msg.Detection2DArray", "/front/segmentation": "sensor_msgs.msg.Image"}
COUNT = 60
PERIOD_S = 0.05


def test_a_subscriber_that_stopped_reading_holds_up_nobody(tmp_path: Path) -> None:
    config = tmp_path / "perception.yaml"
    config.write_text(CONFIG.format(model=make_multi_head_onnx(tmp_path / "both.onnx")))
    with (
        NodeProcess(tmp_path / "log", config=config, autostart=True) as node,
        RosProbe() as probe,
        SlowSubscriber(TOPICS) as slow,
    ):
        node.wait_for("active")
        slow.wait()
        camera = probe.advertise(Image, "/front/image_raw")
        arrays = probe.listen(vision_msgs.Detection2DArray, "/front/detections")
        wait_until(lambda: arrays.subscription.get_publisher_count() == 1)
        watch = FaultWatch(probe)
        time.sleep(0.5)  # until all know of each other
        slow.stop_reading()
        for index in range(COUNT):
            camera.publish(image_message(time.time_ns(), width=1280, height=720, seed=index % 5))
            time.sleep(PERIOD_S)
        wait_until(lambda: len(arrays) > 0.9 * COUNT, timeout_s=2.0, what="results for the other subscriber")
        watch.until(lambda status: int(status["processed"]) > 0.9 * COUNT)
        status = watch.latest()
        keep_times("slow_subscriber", latency_p99=float(status["latency_p99_ms"]) / 1000)
        assert float(status["latency_p99_ms"]) < 500.0
        assert status["worker_restarts"] == "0"
        assert node.stop()[0] == 0
