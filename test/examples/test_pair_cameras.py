"""The example subscriber beside the node: sets of six cameras over DDS, complete or with what is missing."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("rclpy", reason="ROS is not here")
pytest.importorskip("vision_msgs", reason="vision_msgs is not here")

from helpers.fault_watch import image_message, write_config
from helpers.node_process import NodeProcess
from helpers.ros_environment import UNWANTED, ros_environment
from helpers.ros_probe import RosProbe, wait_until
from sensor_msgs.msg import Image

from examples.pair_cameras import StampPairing

CAMERAS = ("front", "front_left", "front_right", "back", "back_left", "back_right")
ROOT = Path(__file__).resolve().parents[2]
MS = 1_000_000


class Example:
    """The example as a process, what it prints as it comes."""

    def __init__(self, folder: Path) -> None:
        self._output = folder / "sets.jsonl"

    def __enter__(self) -> Example:
        command = [sys.executable, str(ROOT / "examples" / "pair_cameras.py"), "--ros-args"]
        command += ["-p", f"cameras:=[{', '.join(CAMERAS)}]", "-p", "tolerance_ms:=20.0", "-p", "deadline_ms:=1500.0"]
        with open(self._output, "wb") as output:
            self.process = subprocess.Popen(command, stdout=output)
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()

    def sets(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self._output.read_text().splitlines() if line.endswith("}")]


@pytest.fixture
def _ros_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A ROS domain of this process alone."""
    for name, value in ros_environment(tmp_path / "ros_log").items():
        monkeypatch.setenv(name, value)
    for name in UNWANTED:
        monkeypatch.delenv(name, raising=False)


@pytest.mark.usefixtures("_ros_environment")
def test_six_cameras_are_paired_by_stamp(tmp_path: Path) -> None:
    # Reliable, so that on a busy machine no image is lost on its way, which would be another test.
    config = write_config(tmp_path, "\n".join(f"  - {{name: {camera}, reliability: reliable}}" for camera in CAMERAS))
    with (
        NodeProcess(tmp_path / "log", config=config, autostart=True) as node,
        Example(tmp_path) as example,
        RosProbe() as probe,
    ):
        node.wait_for("active")
        publishers = {camera: probe.advertise(Image, f"/{camera}/image_raw") for camera in CAMERAS}
        for camera in CAMERAS:
            wait_until(lambda camera=camera: probe.node.count_subscribers(f"/{camera}/detections") == 1)
        time.sleep(0.5)  # until node and example know of each other, too

        def send(stamp_ns: int, cameras: tuple[str, ...]) -> None:
            """Images of one instant, their stamps some milliseconds apart, as of cameras without a common trigger."""
            for index, camera in enumerate(cameras):
                publishers[camera].publish(image_message(stamp_ns + index * 3 * MS, seed=index))

        def sets(count: int) -> list[dict[str, Any]]:
            wait_until(lambda: len(example.sets()) >= count, what=f"{count} sets")
            return example.sets()

        # The first ones may be sent before all three processes know of each other.
        while not (example.sets() and example.sets()[-1]["missing"] == []):
            send(time.time_ns(), CAMERAS)
            time.sleep(0.5)
        time.sleep(2.0)  # what is incomplete leaves
        before = len(example.sets())
        start = time.time_ns()
        send(start, CAMERAS)
        assert [one["missing"] for one in sets(before + 1)[before:]] == [[]]
        send(start + 100 * MS, CAMERAS[:-1])  # one camera misses its instant ...
        sent = time.monotonic()
        assert [one["missing"] for one in sets(before + 2)[before:]] == [[], ["back_right"]]
        assert time.monotonic() - sent < 1.5 + 1.0  # ... and holds the others up no longer than the deadline
        send(start + 200 * MS, CAMERAS)
        found = sets(before + 3)[before:]
        assert [one["missing"] for one in found] == [[], ["back_right"], []]
        for one, stamp_ns in zip(found, (start, start + 100 * MS, start + 200 * MS), strict=True):
            assert 0 <= one["stamp_ns"] - stamp_ns <= 15 * MS
            assert all(count == 5 for count in one["objects"].values())
        assert node.stop()[0] == 0


def _stamps(sets: Iterator[Any]) -> list[tuple[int, str]]:
    return [(one.stamp_ns, "".join(sorted(one.arrays))) for one in sets]


def test_sets_leave_in_order_and_an_older_one_does_not_wait_behind_a_complete_one() -> None:
    pairing = StampPairing("abc", tolerance_ns=10, deadline_ns=1000)
    assert _stamps(pairing.add("a", 100, None, 0)) == []
    assert _stamps(pairing.add("b", 105, None, 1)) == []
    for camera in "ab":
        assert _stamps(pairing.add(camera, 200, None, 2)) == []
    assert _stamps(pairing.add("c", 195, None, 3)) == [(100, "ab"), (200, "abc")]
    assert _stamps(pairing.expire(10_000)) == []


def test_an_incomplete_set_leaves_at_its_deadline_by_the_steady_clock() -> None:
    pairing = StampPairing("ab", tolerance_ns=10, deadline_ns=1000)
    assert _stamps(pairing.add("a", 10**18, None, 500)) == []
    assert _stamps(pairing.expire(1499)) == []
    assert _stamps(pairing.expire(1500)) == [(10**18, "a")]


def test_a_camera_that_is_faster_than_the_others_opens_sets_of_its_own() -> None:
    pairing = StampPairing("ab", tolerance_ns=10, deadline_ns=1000)
    assert _stamps(pairing.add("a", 100, None, 0)) == []
    assert _stamps(pairing.add("a", 104, None, 1)) == []
    assert _stamps(pairing.add("b", 103, None, 2)) == [(100, "a"), (104, "ab")]
