"""Publishes serialized messages in their own rhythm, as `ros2 bag play` does."""

from __future__ import annotations

import importlib
import struct
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import rclpy
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy

from trt_perception.bag.bag_topic import BagMessage
from trt_perception.errors import MissingError
from trt_perception.ros.sent_message import SentMessage

CLOCK_PERIOD_S = 0.025
"""Longest time between two /clock messages: what `ros2 bag play --clock` sends by default (40 Hz)."""

# A CDR message that begins with std_msgs/Header has its stamp right behind the four bytes of encapsulation.
_STAMP = struct.Struct("<iI")
_STAMP_OFFSET = 4

_WITH_HEADER = frozenset({"sensor_msgs/msg/Image", "sensor_msgs/msg/CompressedImage", "sensor_msgs/msg/CameraInfo"})


class Player:
    """Publishers of a set of topics, and the clock by which their messages go out.

    Args:
        topics: Type by topic, all that will be played, so that subscribers can be found before the first message.
        clock: Whether to publish /clock from the messages' times.
        restamp: Whether to replace the header stamp of images by the time of sending.

    Raises:
        MissingError: A message type is not installed.
    """

    def __init__(self, topics: Mapping[str, str], *, clock: bool = False, restamp: bool = False) -> None:
        self._node = Node("trt_perception_player", enable_rosout=False, start_parameter_services=False)
        self._restamp = restamp
        self._publishers = {topic: self._publisher(topic, type_name) for topic, type_name in topics.items()}
        self._clock = self._publisher("/clock", "rosgraph_msgs/msg/Clock") if clock else None

    def _publisher(self, topic: str, type_name: str) -> Any:
        latched = topic.endswith("/tf_static") or topic == "tf_static"
        profile = QoSProfile(
            depth=5,
            reliability=ReliabilityPolicy.RELIABLE,
            durability=DurabilityPolicy.TRANSIENT_LOCAL if latched else DurabilityPolicy.VOLATILE,
        )
        return self._node.create_publisher(message_class(type_name), topic, profile)

    def wait_for_subscribers(self, topics: Iterable[str], *, timeout_s: float) -> list[str]:
        """Wait until each of the topics has a subscriber; the topics that still have none come back."""
        end = time.monotonic() + timeout_s
        waiting = list(topics)
        while waiting and time.monotonic() < end:
            time.sleep(0.05)
            waiting = [topic for topic in waiting if self._publishers[topic].get_subscription_count() == 0]
        return waiting

    def play(
        self,
        messages: Iterable[BagMessage],
        *,
        rate: float = 1.0,
        on_sent: Callable[[SentMessage], object] = lambda sent: None,
    ) -> None:
        """Send every message at its time, `rate` times as fast, until ROS is shut down.

        A message that is due already goes out at once: nothing is left out to catch up.
        """
        first_ns: int | None = None
        start_ns = time.monotonic_ns()
        for message in messages:
            first_ns = message.log_time_ns if first_ns is None else first_ns
            self._sleep_until(start_ns + int((message.log_time_ns - first_ns) / rate), message.log_time_ns, rate)
            if not rclpy.ok():
                return
            data = self._stamped(message)
            sent_ns = time.time_ns()
            self._publishers[message.topic].publish(data)
            on_sent(SentMessage(topic=message.topic, stamp_ns=_stamp_of(message.type_name, data), sent_ns=sent_ns))

    def _stamped(self, message: BagMessage) -> bytes:
        if not self._restamp or message.type_name not in _WITH_HEADER:
            return bytes(message.data)
        data = bytearray(message.data)
        _STAMP.pack_into(data, _STAMP_OFFSET, *divmod(time.time_ns(), 1_000_000_000))
        return bytes(data)

    def _sleep_until(self, due_ns: int, time_ns: int, rate: float) -> None:
        """Sleep until a message is due, with the clock ticking towards its time."""
        while True:
            left_s = (due_ns - time.monotonic_ns()) / 1e9
            self._tick(time_ns - int(max(left_s, 0.0) * rate * 1e9))
            if left_s <= 0.0:
                return
            time.sleep(min(left_s, CLOCK_PERIOD_S))

    def _tick(self, now_ns: int) -> None:
        if self._clock is not None:
            clock = message_class("rosgraph_msgs/msg/Clock")()
            clock.clock.sec, clock.clock.nanosec = divmod(now_ns, 1_000_000_000)
            self._clock.publish(clock)

    def close(self) -> None:
        """Destroy the publishers, once the reliable ones had time to deliver."""
        for publisher in self._publishers.values():
            if publisher.get_subscription_count() > 0:
                time.sleep(0.1)
                break
        self._node.destroy_node()

    def __enter__(self) -> Player:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _stamp_of(type_name: str, data: bytes) -> int | None:
    if type_name not in _WITH_HEADER:
        return None
    seconds, nanoseconds = _STAMP.unpack_from(data, _STAMP_OFFSET)
    return int(seconds) * 1_000_000_000 + int(nanoseconds)


def message_class(type_name: str) -> Any:
    """The Python class of a message type.

    Raises:
        MissingError: Its package is not installed.
    """
    package, _, name = type_name.replace("/msg/", "/").partition("/")
    try:
        return getattr(importlib.import_module(f"{package}.msg"), name)
    except (ImportError, AttributeError) as error:
        raise MissingError(
            f"message type {type_name} is not installed", f"install ROS package {package}, or leave its topics out"
        ) from error
