"""`<camera>/timing` through real DDS: where each frame's time went, and why it ended where it has no result."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("rclpy", reason="ROS is not here")
pytest.importorskip("vision_msgs", reason="vision_msgs is not here")
messages = pytest.importorskip("trt_perception_msgs.msg", reason="trt_perception_msgs is not built")

# ruff: noqa: E402  what needs ROS is imported once it is known to be here
from helpers.fault_watch import image_message, write_config
from helpers.node_process import NodeProcess
from helpers.ros_probe import RosProbe, stamp_of, wait_until
from sensor_msgs.msg import Image

STAMPS = ("received_ns", "started_ns", "preprocessed_ns", "inferred_ns", "decoded_ns", "published_ns")


def start(tmp_path: Path, **switches: Any) -> NodeProcess:
    config = write_config(tmp_path)
    lines = "".join(f"{name}: {value}\n" for name, value in switches.items())
    config.write_text(lines + config.read_text())
    return NodeProcess(tmp_path / "log", config=config, autostart=True)


def test_every_frame_says_where_its_time_went_or_why_it_has_no_result(tmp_path: Path) -> None:
    with start(tmp_path, timing="true") as node, RosProbe() as probe:
        node.wait_for("active")
        timings = probe.listen(messages.FrameTiming, "/front/timing")
        camera = probe.advertise(Image, "/front/image_raw")
        wait_until(lambda: bool(timings.subscription) and probe.node.count_publishers("/front/timing") == 1)
        sent: list[int] = []

        def send(stamp_ns: int) -> bool:
            camera.publish(image_message(stamp_ns))
            sent.append(stamp_ns)
            time.sleep(0.1)
            return len(timings) > 0

        wait_until(lambda: send(time.time_ns()))  # a new subscription is heard after a while
        before = len(timings)
        last = sent[-1]
        send(last)  # once more, so its stamp is no news
        send(time.time_ns())
        found = timings.wait(before + 2)[before:]
    repeated, good = (next(m for m in found if bool(m.drop_reason) == is_drop) for is_drop in (True, False))
    assert (repeated.drop_reason, stamp_of(repeated.header), repeated.decoded_ns) == ("duplicate", last, 0)
    assert (good.camera, good.pipeline, stamp_of(good.header)) == ("front", "detect", sent[-1])
    assert good.sequence == repeated.sequence + 1
    stamps = [getattr(good, name) for name in STAMPS]
    assert stamps == sorted(stamps)
    assert stamps[0] > 0
    assert (good.image_decoded_ns, good.uploaded_ns) == (0, 0)  # neither compressed nor on a GPU
    assert 0 < good.age_ns < 10**10
    published = good.published.sec * 10**9 + good.published.nanosec
    assert good.age_ns == published - stamp_of(good.header)


def test_it_is_off_by_default(tmp_path: Path) -> None:
    with start(tmp_path) as node, RosProbe() as probe:
        node.wait_for("active")
        wait_until(lambda: probe.node.count_publishers("/front/detections") == 1)
        assert probe.node.count_publishers("/front/timing") == 0
