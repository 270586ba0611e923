"""demo.launch.py: a drive is made, then played to the node."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("launch_ros.actions", reason="the ROS package launch_ros is not installed here")
pytest.importorskip("rclpy", reason="ROS 2 is not installed here")

from helpers.ros_probe import RosProbe

FILE = "demo.launch.py"

SHORT = ("seconds:=1", "rate_hz:=2", "cameras:=1", "player:=trt-perception", "finish_s:=2")


def test_draws_a_drive_and_plays_it_to_the_node(launch_node: Any, config: Path, tmp_path: Path) -> None:
    from diagnostic_msgs.msg import DiagnosticArray

    model = config.parent / "tiny.onnx"
    with RosProbe() as probe:
        diagnostics = probe.listen(DiagnosticArray, "/diagnostics")
        process = launch_node(FILE, f"model:={model}", f"out:={tmp_path / 'out'}", *SHORT)
        assert process.wait(timeout_s=100.0) == 0

    (status,) = [status for status in diagnostics.messages[-1].status if status.name.endswith("front")]
    assert {"received": "2", "processed": "2"}.items() <= {item.key: item.value for item in status.values}.items()
    assert (tmp_path / "out/perception.yaml").is_file()


def test_a_drive_that_cannot_be_made_is_an_error_and_starts_nothing(launch_node: Any, tmp_path: Path) -> None:
    process = launch_node(FILE, f"model:={tmp_path / 'absent.onnx'}", f"out:={tmp_path / 'out'}", *SHORT)

    assert process.wait() == 1
    assert "absent.onnx" in process.output
    assert "the drive was not made" in process.output
    assert process.node_pids == []
