"""What the fault tests share: a small config, images, and diagnostics with the time at which they came."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.serialization import serialize_message
from sensor_msgs.msg import Image

from helpers.ros_probe import Listener, RosProbe
from helpers.tiny_onnx import make_yolox_onnx

OK, WARN, ERROR, STALE = (bytes([level]) for level in range(4))

CONFIG = """\
backend: onnxruntime
threads: 1
cameras:
{cameras}
models:
  - {{name: boxes, spec: {model}}}
pipelines:
  - {{name: detect, model: boxes, score_threshold: 0.0, max_detections: 5, always_on: true}}
"""


def write_config(folder: Path, cameras: str = "  - {name: front}") -> Path:
    """A config with one tiny detector that infers whether anybody listens or not."""
    path = folder / "perception.yaml"
    path.write_text(CONFIG.format(cameras=cameras, model=make_yolox_onnx(folder / "boxes.onnx")))
    return path


def image_message(stamp_ns: int, *, width: int = 80, height: int = 48, seed: int = 0) -> bytes:
    """A bgr8 image of noise, as ROS serializes it."""
    message = Image(height=height, width=width, encoding="bgr8", step=3 * width)
    message.data = np.random.default_rng(seed).integers(0, 255, 3 * width * height, np.uint8).tobytes()
    message.header.stamp.sec, message.header.stamp.nanosec = divmod(stamp_ns, 10**9)
    return bytes(serialize_message(message))


class FaultWatch:
    """Follows the diagnostics of one node.

    Args:
        probe: The test's node.
        node: Name of the node that is watched.
    """

    def __init__(self, probe: RosProbe, node: str = "perception") -> None:
        self._node = node
        self._listener: Listener = probe.listen(DiagnosticArray, "/diagnostics")

    def latest(self, name: str = "front") -> dict[str, Any]:
        """The last status of a camera or of `node`, as values with `level` and `message`; empty before the first."""
        for message in reversed(self._listener.messages):
            for status in message.status:
                if status.name == f"{self._node}: {name}":
                    values = {value.key: value.value for value in status.values}
                    return {"level": status.level, "message": status.message, **values}
        return {}

    def until(
        self,
        holds: Callable[[dict[str, Any]], bool],
        name: str = "front",
        *,
        doing: Callable[[], object] = lambda: None,
        timeout_s: float = 15.0,
    ) -> float:
        """Seconds until a status for which `holds` comes; `doing` is called every 50 ms meanwhile."""
        self._listener.clear()
        started = time.monotonic()
        while not ((status := self.latest(name)) and holds(status)):
            assert time.monotonic() - started < timeout_s, f"did not come within {timeout_s} s; last: {status}"
            doing()
            time.sleep(0.05)
        return time.monotonic() - started
