"""Both kinds of executor run the node's callbacks and stop when they are told to."""

from __future__ import annotations

import sys
import time

import pytest

rclpy = pytest.importorskip("rclpy", reason="ROS is not here")

# ruff: noqa: E402  what needs ROS is imported once it is known to be here
from rclpy.clock import Clock, ClockType
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node

from trt_perception.ros.executor import make_executor, spin


@pytest.mark.parametrize("has_events_executor", [True, False], ids=["events_executor", "single_threaded_executor"])
def test_callbacks_run_until_the_stop(has_events_executor: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if has_events_executor:
        pytest.importorskip("rclpy.experimental", reason="this distribution has no EventsExecutor")
    else:
        monkeypatch.setitem(sys.modules, "rclpy.experimental", None)
    rclpy.init()
    try:
        executor = make_executor()
        assert isinstance(executor, SingleThreadedExecutor) is not has_events_executor
        executor.shutdown()
        node = Node("ticking", enable_rosout=False, start_parameter_services=False)
        ticks: list[float] = []
        node.create_timer(0.05, lambda: ticks.append(time.monotonic()), clock=Clock(clock_type=ClockType.STEADY_TIME))
        end = time.monotonic() + 1.0
        spin(node, is_stopped=lambda: time.monotonic() > end)
        assert time.monotonic() - end < 1.0
        assert len(ticks) >= 5
        node.destroy_node()
    finally:
        rclpy.try_shutdown()
