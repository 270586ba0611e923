"""A node as tutorials write it: normal subscription, default malloc, the message's data as a NumPy array.

    python bench/processes/naive_receiver.py TOPIC --count 250

Prints {"received": n, "cpu_ms": per image} once `count` images came, the CPU time of all threads since the first.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from typing import Any

import numpy as np
import rclpy
from rclpy.node import Node
from rclpy.qos import qos_profile_sensor_data
from sensor_msgs.msg import Image


class NaiveReceiver(Node):  # type: ignore[misc]
    """Counts images and the CPU time that they cost."""

    def __init__(self, topic: str, count: int) -> None:
        super().__init__("naive_receiver")
        self._count, self._received, self._start_s = count, 0, 0.0
        self.checksum = 0
        self.create_subscription(Image, topic, self._on_image, qos_profile_sensor_data)

    def _on_image(self, message: Any) -> None:
        image = np.frombuffer(message.data, np.uint8).reshape(message.height, message.step)
        self.checksum += int(image[0, 0])
        if self._received == 0:
            self._start_s = time.process_time()
        if self._received == self._count:
            cpu_ms = (time.process_time() - self._start_s) / self._count * 1e3
            print(json.dumps({"received": self._count, "cpu_ms": cpu_ms}), flush=True)
            raise SystemExit
        self._received += 1


def main() -> None:
    """Receive."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("topic")
    parser.add_argument("--count", type=int, default=250)
    options = parser.parse_args()
    rclpy.init(args=[])
    rclpy.spin(NaiveReceiver(options.topic, options.count))


if __name__ == "__main__":
    sys.exit(main())
