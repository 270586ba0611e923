"""A subscriber in a process of its own that can be made to stop reading."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Mapping

# Reliable and keep all: of all subscribers the one that a publisher has to do most for.
_PROGRAM = """
import importlib, json, sys
import rclpy
from rclpy.qos import HistoryPolicy, QoSProfile

rclpy.init()
node = rclpy.create_node("slow")
profile = QoSProfile(history=HistoryPolicy.KEEP_ALL)
kept = []
for topic, name in json.loads(sys.argv[1]).items():
    module, _, attribute = name.rpartition(".")
    kind = getattr(importlib.import_module(module), attribute)
    kept.append(node.create_subscription(kind, topic, lambda message: None, profile))
while any(node.count_publishers(subscription.topic_name) == 0 for subscription in kept):
    rclpy.spin_once(node, timeout_sec=0.1)
print("ready", flush=True)
rclpy.spin(node)
"""


class SlowSubscriber:
    """Killed at the end of the `with` block.

    Args:
        topics: Message type by full topic, e.g. ``{"/front/detections": "vision_msgs.msg.Detection2DArray"}``.
    """

    def __init__(self, topics: Mapping[str, str]) -> None:
        self._topics = dict(topics)

    def __enter__(self) -> SlowSubscriber:
        command = [sys.executable, "-c", _PROGRAM, json.dumps(self._topics)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()

    def wait(self) -> None:
        """Until it has found the publishers of all topics."""
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "ready\n"

    def stop_reading(self) -> None:
        """From here on it takes nothing."""
        self.process.send_signal(signal.SIGSTOP)

    def read_on(self) -> None:
        """Take what waits and go on."""
        self.process.send_signal(signal.SIGCONT)
