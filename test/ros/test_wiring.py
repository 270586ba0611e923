"""docs/wiring.md: what it says of names and quality of service holds over DDS."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

pytest.importorskip("rclpy", reason="ROS is not here")
vision_msgs = pytest.importorskip("vision_msgs.msg", reason="vision_msgs is not here")

# ruff: noqa: E402  what needs ROS is imported once it is known to be here
from helpers.fault_watch import image_message, write_config
from helpers.node_process import NodeProcess
from helpers.ros_probe import RosProbe, stamp_of, wait_until
from rclpy.qos import DurabilityPolicy, ReliabilityPolicy
from sensor_msgs.msg import Image

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "wiring.md").read_text("utf-8")


def _flat(values: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    """Parameters as their full names, dots written as NodeProcess takes them."""
    for name, value in values.items():
        full = f"{before}__{name}" if before else name
        if isinstance(value, dict):
            yield from _flat(value, full)
        else:
            yield full, value


def test_the_remapping_and_the_parameters_of_the_page_do_what_it_says(tmp_path: Path) -> None:
    (text,) = re.findall(r"```yaml\n(/\*\*:\n.*?)```", PAGE, re.DOTALL)
    parameters = dict(_flat(yaml.safe_load(text)["/**"]["ros__parameters"]))
    old, new = re.findall(r"-r (front/\S+):=(\S+)", PAGE)[0]
    config = write_config(tmp_path)
    with RosProbe() as probe:
        with NodeProcess(tmp_path / "log", config=config, autostart=True, **parameters) as node:
            node.wait_for("active")
            wait_until(lambda: probe.node.count_publishers("/front/detections") == 1)
            (overridden,) = probe.node.get_publishers_info_by_topic("/front/detections")
            assert overridden.qos_profile.reliability is ReliabilityPolicy.BEST_EFFORT
            assert node.stop()[0] == 0
        with NodeProcess(tmp_path / "log2", config=config, autostart=True, remap={old: new}) as node:
            node.wait_for("active")
            arrays = probe.listen(vision_msgs.Detection2DArray, new)
            camera = probe.advertise(Image, "/front/image_raw")
            wait_until(lambda: arrays.subscription.get_publisher_count() == 1)
            sent = set()

            def message_of(stamp_ns: int) -> Any:
                sent.add(stamp_ns)
                return image_message(stamp_ns)

            probe.ask(camera, message_of, arrays)
            assert stamp_of(arrays.messages[0].header) in sent
            (usual,) = probe.node.get_publishers_info_by_topic(new)
            assert usual.qos_profile.reliability is ReliabilityPolicy.RELIABLE
            (info,) = probe.node.get_publishers_info_by_topic("/front/label_info")
            assert info.qos_profile.durability is DurabilityPolicy.TRANSIENT_LOCAL
            assert node.stop()[0] == 0
