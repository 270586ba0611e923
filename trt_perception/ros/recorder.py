"""Takes every serialized message of a set of topics, with the time at which it came."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import rclpy
from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy

from trt_perception.bag.bag_topic import BagMessage
from trt_perception.ros.player import message_class

DEPTH = 1000
"""Messages that the middleware keeps for us while we are busy."""


class Recorder:
    """Subscribes to topics and hands on what comes, with the system clock's time of arrival, until it is closed.

    Args:
        topics: Type by topic.
        keep: Takes every message.

    Raises:
        MissingError: A message type is not installed.
    """

    def __init__(self, topics: Mapping[str, str], keep: Callable[[BagMessage], object]) -> None:
        self.count = 0
        """Messages so far."""
        self._keep = keep
        self._node = Node("trt_perception_recorder", enable_rosout=False, start_parameter_services=False)
        self._executor = rclpy.executors.SingleThreadedExecutor()
        self._executor.add_node(self._node)
        profile = QoSProfile(depth=DEPTH, reliability=ReliabilityPolicy.RELIABLE)
        for topic, type_name in topics.items():
            self._node.create_subscription(
                message_class(type_name), topic, self._keeper(topic, type_name), profile, raw=True
            )

    def _keeper(self, topic: str, type_name: str) -> Any:
        def keep(data: bytes) -> None:
            self.count += 1
            self._keep(BagMessage(topic=topic, type_name=type_name, log_time_ns=time.time_ns(), data=data))

        return keep

    def has_publishers(self) -> bool:
        """Whether every topic has somebody who publishes it."""
        return all(self._node.count_publishers(s.topic_name) > 0 for s in self._node.subscriptions)

    def spin(self, seconds: float) -> None:
        """Receive for that long."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0 and rclpy.ok():
            self._executor.spin_once(timeout_sec=min(left, 0.1))

    def close(self) -> None:
        """Stop receiving."""
        self._executor.shutdown()
        self._node.destroy_node()

    def __enter__(self) -> Recorder:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
