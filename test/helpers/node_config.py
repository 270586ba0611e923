"""A node with two cameras and three pipelines, and what its tests ask of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.serialization import serialize_message
from sensor_msgs.msg import Image

from helpers.ros_probe import RosProbe, wait_until
from helpers.tiny_onnx import make_multi_head_onnx, make_yolov8_onnx, make_yolox_onnx

_CONFIG = """\
backend: onnxruntime
threads: 1
cameras:
  - name: front
    timeout_ms: 700
  - name: back
    transport: compressed
    reliability: reliable
models:
  - name: boxes
    spec: {boxes}
  - name: both
    spec: {both}
  - name: parts
    spec: {parts}
pipelines:
  - name: detect
    model: boxes
    score_threshold: 0.0
    max_detections: 5
    label_map: {{class_1: lorry, class_2: ""}}
  - name: both
    model: both
    cameras: [front]
    namespace: both
    class_ids: index
    always_on: false
  - name: parts
    model: parts
    cameras: [front]
    namespace: parts
    score_threshold: 0.0
    max_detections: 3
"""


def write_node_config(folder: Path) -> Path:
    """The config, with its models beside it."""
    path = folder / "perception.yaml"
    path.write_text(
        _CONFIG.format(
            boxes=make_yolox_onnx(folder / "boxes.onnx"),
            both=make_multi_head_onnx(folder / "both.onnx"),
            parts=make_yolov8_onnx(folder / "parts.onnx", masks=4),
        )
    )
    return path


def diagnostics_of(probe: RosProbe, camera: str, *, node: str = "perception") -> dict[str, Any]:
    """The next diagnostics of a camera, as values with `level` and `message`."""
    listener = probe.listen(DiagnosticArray, "/diagnostics")

    def found() -> list[Any]:
        return [s for message in listener.messages for s in message.status if s.name == f"{node}: {camera}"]

    try:
        wait_until(lambda: bool(found()))
        status = found()[-1]
        return {"level": status.level, "message": status.message, **{v.key: v.value for v in status.values}}
    finally:
        probe.stop_listening(listener)


def front_image(stamp_ns: int) -> bytes:
    """An image of noise from the front camera, as ROS serializes it."""
    message = Image(height=48, width=80, encoding="bgr8", step=240)
    message.data = np.random.default_rng(stamp_ns % 1000).integers(0, 255, 48 * 240, np.uint8).tobytes()
    message.header.frame_id = "front_optical"
    message.header.stamp.sec, message.header.stamp.nanosec = divmod(stamp_ns, 10**9)
    return bytes(serialize_message(message))
