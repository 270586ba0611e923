"""Who sends, and how: two senders on one topic, quality of service that excludes ours, a segment that is too small."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.camera_sender import CameraSender
from helpers.fault_times import keep_times

pytest.importorskip("rclpy", reason="ROS is not here")
pytest.importorskip("vision_msgs", reason="vision_msgs is not here")

from helpers.fault_watch import ERROR, OK, STALE, WARN, FaultWatch, image_message, write_config
from helpers.node_process import NodeProcess
from helpers.ros_probe import RosProbe, wait_until
from rclpy.event_handler import PublisherEventCallbacks
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rclpy.utilities import get_rmw_implementation_identifier
from sensor_msgs.msg import Image

CAMERAS = """\
  - {name: front}
  - {name: strict, reliability: reliable, timeout_ms: 3000}
  - {name: large, timeout_ms: 500}
  - {name: cable}"""


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory, _ros_environment: None) -> Iterator[NodeProcess]:
    folder = Path(tmp_path_factory.mktemp("node"))
    with NodeProcess(folder / "log", config=write_config(folder, CAMERAS), autostart=True) as node:
        node.wait_for("active")
        yield node
        assert node.stop()[0] == 0
        assert "Traceback" not in node.text


@pytest.fixture(scope="module")
def watch(node: NodeProcess, probe: RosProbe) -> FaultWatch:
    return FaultWatch(probe)


def test_a_camera_that_falls_silent_and_comes_back_is_told(
    node: NodeProcess, probe: RosProbe, watch: FaultWatch
) -> None:
    camera = probe.advertise(Image, "/cable/image_raw")

    def send() -> None:
        camera.publish(image_message(time.time_ns()))

    watch.until(lambda status: status["level"] == OK and int(status["processed"]) > 0, "cable", doing=send)
    silent_since = time.monotonic()
    watch.until(lambda status: status["level"] == STALE, "cable")
    seen = time.monotonic() - silent_since
    over = watch.until(lambda status: status["level"] == OK, "cable", doing=send)
    assert "camera cable: images come again after" in node.text
    keep_times("silent_camera", on_diagnostics=seen, over=over)
    assert seen < 1.0 + 1.5  # its timeout, and the period of diagnostics
    probe.node.destroy_publisher(camera)


def test_a_second_publisher_is_named_until_it_goes(node: NodeProcess, probe: RosProbe, watch: FaultWatch) -> None:
    first = probe.advertise(Image, "/front/image_raw")

    def send() -> None:
        first.publish(image_message(time.time_ns()))

    watch.until(lambda status: status["level"] == OK and int(status["processed"]) > 0, doing=send)
    second = probe.advertise(Image, "/front/image_raw")
    seen = watch.until(lambda status: status["publishers"] == "2", doing=send)
    status = watch.latest()
    assert status["level"] == WARN
    assert status["message"].endswith("2 publishers on one topic: /probe, /probe; their images are mixed")
    assert status["publisher_nodes"] == "/probe, /probe"
    assert node.text.count("camera front: 2 publishers on one topic") == 1
    probe.node.destroy_publisher(second)
    over = watch.until(lambda status: status["level"] == OK, doing=send)
    keep_times("two_publishers", on_diagnostics=seen, over=over)
    probe.node.destroy_publisher(first)


def test_quality_of_service_that_clashes_is_told_with_both_profiles(
    node: NodeProcess, probe: RosProbe, watch: FaultWatch
) -> None:
    profile = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
    # rclpy's own callback for the clash uses what rclpy deprecates.
    silent = PublisherEventCallbacks(use_default_callbacks=False)
    unheard = probe.node.create_publisher(Image, "/strict/image_raw", profile, event_callbacks=silent)
    seen = watch.until(lambda status: "quality of service" in status["message"], "strict")
    status = watch.latest("strict")
    assert status["level"] in (ERROR, STALE)
    assert (
        "/probe offers best_effort, volatile, this node asks for reliable, volatile; set `reliability: best_effort`"
        in status["message"]
    )
    assert node.text.count("camera strict: quality of service clashes: ") == 1
    probe.node.destroy_publisher(unheard)
    heard = probe.advertise(Image, "/strict/image_raw")
    over = watch.until(
        lambda status: status["level"] == OK and int(status["processed"]) > 0,
        "strict",
        doing=lambda: heard.publish(image_message(time.time_ns())),
    )
    keep_times("clashing_qos", on_diagnostics=seen, over=over)
    probe.node.destroy_publisher(heard)


@pytest.mark.skipif(
    "fastrtps" not in get_rmw_implementation_identifier(), reason="the segment is one of Fast DDS, which is not used"
)
def test_images_that_the_senders_segment_does_not_hold_are_told_with_what_to_set(
    node: NodeProcess, watch: FaultWatch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sender = CameraSender(camera="large", topic="/large/image_raw", ledger=tmp_path / "1", count=600, reliable=False)
    with monkeypatch.context() as patch:
        patch.delenv("FASTDDS_DEFAULT_PROFILES_FILE")
        small = sender.start()
    try:
        wait_until((tmp_path / "1").exists)  # it begins to send
        seen = watch.until(lambda status: "FASTDDS_DEFAULT_PROFILES_FILE=" in status["message"], "large")
        status = watch.latest("large")
        assert status["level"] == STALE
        assert status["message"].endswith("config/fastdds_large_segment.xml")
    finally:
        small.kill()
        small.wait()
    assert os.environ["FASTDDS_DEFAULT_PROFILES_FILE"]
    large = CameraSender(camera="large", topic="/large/image_raw", ledger=tmp_path / "2", count=600).start()
    try:
        # A sender that was killed counts as a second publisher until its lease ends (20 s with Fast DDS).
        fine = (OK, WARN)
        over = watch.until(lambda status: status["level"] in fine and int(status["processed"]) > 0, "large")
    finally:
        large.kill()
        large.wait()
    keep_times("small_segment", on_diagnostics=seen, over=over)
