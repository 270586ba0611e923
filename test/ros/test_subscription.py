"""What a receiver process is told to subscribe to is what the node itself would subscribe to."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers.channel_rig import Rig

pytest.importorskip("rclpy", reason="ROS is not here")

import rclpy
from rclpy.node import Node
from sensor_msgs.msg import Image

from trt_perception.ros.quality_of_service import unpack_profile
from trt_perception.ros.receiver_plan import Subscription
from trt_perception.ros.subscription import ImageSubscription

ARGUMENTS = [
    "--ros-args",
    *("-r", "__ns:=/car"),
    *("-r", "front/image_raw:=/driver/image"),
    *("-p", "qos_overrides./driver/image.subscription.reliability:=reliable"),
    *("-p", "qos_overrides./driver/image.subscription.depth:=3"),
]


@pytest.fixture
def node(_ros_environment: None) -> Iterator[Any]:
    context = rclpy.Context()
    rclpy.init(context=context)
    node = Node("perception", context=context, cli_args=ARGUMENTS)
    yield node
    node.destroy_node()
    rclpy.try_shutdown(context=context)


def test_what_is_handed_over_is_remapped_and_overridden_and_nothing_is_received_here_any_more(
    node: Any, tmp_path: Path
) -> None:
    rig = Rig(tmp_path)
    for _ in range(2):  # deactivated and activated again
        subscription = ImageSubscription(node, rig.channel)
        assert len(list(node.subscriptions)) == 1
        handed_over = subscription.hand_over()
        assert handed_over == Subscription(
            topic="/driver/image",
            qos={"history": "KEEP_LAST", "depth": 3, "reliability": "RELIABLE", "durability": "VOLATILE"},
        )
        assert list(node.subscriptions) == []
        assert subscription.topic == "/driver/image"
        assert subscription.publishers.count == 0
        subscription.destroy()
    made = node.create_subscription(Image, handed_over.topic, print, unpack_profile(handed_over.qos), raw=True)
    profile = made.qos_profile
    assert (profile.depth, profile.reliability.name, profile.history.name) == (3, "RELIABLE", "KEEP_LAST")
    rig.drop_log.close()
