"""The node in simulated time."""

from __future__ import annotations

import itertools
import time
from pathlib import Path

import pytest

rclpy = pytest.importorskip("rclpy", reason="ROS is not here")
vision_msgs = pytest.importorskip("vision_msgs.msg", reason="vision_msgs is not here")

# ruff: noqa: E402  what needs ROS is imported once it is known to be here
from helpers.fault_times import keep_times
from helpers.fault_watch import WARN, FaultWatch
from helpers.node_config import diagnostics_of, front_image
from helpers.node_process import NodeProcess
from helpers.ros_probe import RosProbe, wait_until
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import Image

SECONDS = 1_600_000_000
"""Simulated time, s."""


def test_simulated_time_without_a_clock_leaves_diagnostics_alive(config: Path, probe: RosProbe, tmp_path: Path) -> None:
    remap = {"__node": "simulated", "__ns": "/sim"}
    with NodeProcess(tmp_path / "log", remap=remap, config=config, autostart=True, use_sim_time=True) as node:
        node.wait_for("active")
        camera = probe.advertise(Image, "/sim/front/image_raw")
        results = probe.listen(vision_msgs.Detection2DArray, "/sim/front/detections")
        watch = FaultWatch(probe, "simulated")
        stamps = itertools.count(SECONDS * 10**9, 10**6)

        def send() -> None:
            camera.publish(front_image(next(stamps)))

        seen = watch.until(lambda status: status["no_clock"] != "0" and status["level"] == WARN, doing=send)
        wait_until(lambda: "nothing came on /clock" in node.text)
        wait_until(lambda: send() is None and len(results) > 0, what="a result")
        assert watch.latest()["age_p50_ms"] == "unknown"
        clock = probe.advertise(Clock, "/clock")
        message = Clock()
        message.clock.sec = SECONDS + 30

        def send_with_clock() -> None:
            clock.publish(message)
            send()

        over = watch.until(lambda status: status["age_p50_ms"] != "unknown", doing=send_with_clock)
        keep_times("no_clock", on_diagnostics=seen, over=over)
        assert node.stop()[0] == 0
        probe.stop_listening(results)


def test_ages_are_measured_in_simulated_time_and_it_may_go_back(config: Path, probe: RosProbe, tmp_path: Path) -> None:
    remap = {"__node": "clocked", "__ns": "/clocked"}
    with NodeProcess(tmp_path / "log", remap=remap, config=config, autostart=True, use_sim_time=True) as node:
        node.wait_for("active")
        clock = probe.advertise(Clock, "/clock")
        camera = probe.advertise(Image, "/clocked/front/image_raw")
        results = probe.listen(vision_msgs.Detection2DArray, "/clocked/front/detections")
        for seconds in (1000, 1001, 500, 501):
            message = Clock()
            message.clock.sec = seconds
            stamp_ns = seconds * 10**9 - 50_000_000
            clock.publish(message)
            time.sleep(0.2)
            sent = time.monotonic()
            for step in range(20):  # until somebody is known to listen
                camera.publish(front_image(stamp_ns + step))
                time.sleep(0.05)
                if results.find(stamp_ns + step) is not None:
                    break
            assert results.find(stamp_ns + step) is not None
            if seconds == 500:
                over = time.monotonic() - sent
                wait_until(lambda: "the node's clock jumped" in node.text)
                keep_times("simulated_time_goes_back", in_log=time.monotonic() - sent, over=over)
        values = diagnostics_of(probe, "front", node="clocked")
        assert float(values["age_p50_ms"]) == pytest.approx(50.0, abs=0.1)
        assert values["time_reset"] == values["clock_jump"] == "1"
        assert node.stop()[0] == 0
        probe.stop_listening(results)
