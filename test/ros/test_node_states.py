"""Lifecycle over services: what is received and held in each state."""

from __future__ import annotations

from pathlib import Path

import pytest

rclpy = pytest.importorskip("rclpy", reason="ROS is not here")
vision_msgs = pytest.importorskip("vision_msgs.msg", reason="vision_msgs is not here")

# ruff: noqa: E402  what needs ROS is imported once it is known to be here
from helpers.node_process import NodeProcess
from helpers.ros_probe import RosProbe, wait_until
from lifecycle_msgs.msg import Transition
from rclpy.qos import ReliabilityPolicy


def test_lifecycle_transitions_gate_reception_and_release_everything(
    config: Path, probe: RosProbe, tmp_path: Path
) -> None:
    remap = {"__node": "second", "__ns": "/car"}
    reliable = {"qos_overrides__/car/front/image_raw__subscription__reliability": "reliable"}
    with NodeProcess(tmp_path / "log", remap=remap, config=config, **reliable) as node:
        name = "/car/second"
        assert probe.state(name) == "unconfigured"
        for _ in range(5):
            assert probe.change_state(name, Transition.TRANSITION_CONFIGURE)
            assert probe.state(name) == "inactive"
            assert probe.node.count_subscribers("/car/front/image_raw") == 0
            assert probe.change_state(name, Transition.TRANSITION_ACTIVATE)
            wait_until(lambda: probe.node.count_subscribers("/car/front/image_raw") == 1)
            (subscription,) = probe.node.get_subscriptions_info_by_topic("/car/front/image_raw")
            assert subscription.qos_profile.reliability == ReliabilityPolicy.RELIABLE
            assert probe.change_state(name, Transition.TRANSITION_DEACTIVATE)
            wait_until(lambda: probe.node.count_subscribers("/car/front/image_raw") == 0)
            assert probe.change_state(name, Transition.TRANSITION_CLEANUP)
            assert probe.state(name) == "unconfigured"
            wait_until(lambda: probe.node.count_publishers("/car/front/detections") == 0)
        assert probe.set_parameters(name, config="/absent.yaml") == [(True, "")]
        assert not probe.change_state(name, Transition.TRANSITION_CONFIGURE)
        assert probe.state(name) == "unconfigured"
        assert node.text.count("/absent.yaml: no such file") == 1
        assert probe.set_parameters(name, config=str(config)) == [(True, "")]
        assert probe.change_state(name, Transition.TRANSITION_CONFIGURE)
        assert probe.change_state(name, Transition.TRANSITION_ACTIVATE)
        assert probe.change_state(name, Transition.TRANSITION_ACTIVE_SHUTDOWN)
        assert probe.state(name) == "finalized"
        assert node.stop()[0] == 0
        assert "Traceback" not in node.text


def test_the_process_holds_no_more_threads_after_a_cleanup(config: Path, probe: RosProbe, tmp_path: Path) -> None:
    remap = {"__node": "third", "__ns": "/third"}
    with NodeProcess(tmp_path / "log", remap=remap, config=config) as node:
        name = "/third/third"
        counts = []
        for _ in range(3):
            assert probe.change_state(name, Transition.TRANSITION_CONFIGURE)
            assert probe.change_state(name, Transition.TRANSITION_ACTIVATE)
            assert probe.change_state(name, Transition.TRANSITION_DEACTIVATE)
            assert probe.change_state(name, Transition.TRANSITION_CLEANUP)
            counts.append(sum(1 for _ in Path(f"/proc/{node.process.pid}/task").iterdir()))
        assert counts[-1] <= counts[0]
