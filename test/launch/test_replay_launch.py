"""replay.launch.py: when the bag starts, how it is played, and how it all ends."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("launch_ros.actions", reason="the ROS package launch_ros is not installed here")
pytest.importorskip("rclpy", reason="ROS 2 is not installed here")

from helpers.reference_types import reference_header, reference_image, reference_types
from helpers.ros_probe import RosProbe
from rosbags.rosbag2 import Writer

FILE = "replay.launch.py"

# In place of `ros2`: says how it was started, and that it saw the end coming.
ROS2 = """#!/bin/sh
echo "played by ros2 $*"
env | grep ^FASTDDS
{rest}
"""

# Of the images of the recorded drive: seconds and nanoseconds.
STAMPS = [(1_500_000_000 + index // 4, index % 4 * 250_000_000) for index in range(8)]

Play = Callable[[str], str]


@pytest.fixture
def path_with_ros2(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Play:
    """Makes a `ros2` that ends with the given line of shell; returns the PATH that has it."""

    def make(rest: str) -> str:
        file = tmp_path / "bin/ros2"
        file.parent.mkdir()
        file.write_text(ROS2.format(rest=rest))
        file.chmod(0o755)
        return f"{file.parent}:/usr/bin:/bin"

    return make


@pytest.fixture
def bag(tmp_path: Path) -> Path:
    folder = tmp_path / "bag"
    folder.mkdir()
    return folder


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    """A real bag: 8 images of CAM_FRONT and as many of a camera that the config does not have, over 2 s, long ago."""
    store = reference_types()
    with Writer(tmp_path / "drive", version=9) as writer:
        for topic in ("/CAM_FRONT/image_raw", "/CAM_ROOF/image_raw"):
            connection = writer.add_connection(topic, "sensor_msgs/msg/Image", typestore=store)
            for sec, nanosec in STAMPS:
                header = reference_header(store, sec, nanosec, "cam_optical")
                image = reference_image(store, header, encoding="bgr8", image=np.full((48, 64, 3), 90, np.uint8))
                data = store.serialize_cdr(image, "sensor_msgs/msg/Image")
                writer.write(connection, sec * 10**9 + nanosec, data)
    return tmp_path / "drive"


def test_a_recorded_drive_is_answered_from_its_first_image_to_its_last_in_its_own_time(
    launch_node: Any, config: Path, recorded: Path
) -> None:
    from diagnostic_msgs.msg import DiagnosticArray
    from vision_msgs.msg import Detection2DArray

    config.write_text(config.read_text().replace("model: tiny", "model: tiny, always_on: true"))
    with RosProbe() as probe:
        detections = probe.listen(Detection2DArray, "/car/CAM_FRONT/detections")
        diagnostics = probe.listen(DiagnosticArray, "/diagnostics")
        places = ("namespace:=/car", "image_namespace:=/")
        process = launch_node(FILE, f"config:={config}", f"bag:={recorded}", "player:=trt-perception", *places)
        assert process.wait(timeout_s=90.0) == 0

    # What the node says that it did: this test's own subscription may be found later than the first image.
    (status,) = [status for status in diagnostics.messages[-1].status if status.name.endswith("CAM_FRONT")]
    counts = {item.key: item.value for item in status.values}
    assert (counts["received"], counts["processed"]) == ("8", "8")
    stamps = [(message.header.stamp.sec, message.header.stamp.nanosec) for message in detections.messages]
    assert stamps == STAMPS[-len(stamps) :]
    told = {message.header.stamp.sec for message in diagnostics.messages}
    assert told & {STAMPS[0][0], STAMPS[-1][0]}
    assert told <= {0, STAMPS[0][0], STAMPS[-1][0], STAMPS[-1][0] + 1}


def _lines(output: str, *patterns: str) -> list[int]:
    """Numbers of the lines in which the patterns are first found."""
    lines = output.splitlines()
    return [next(index for index, line in enumerate(lines) if re.search(pattern, line)) for pattern in patterns]


def test_the_bag_starts_when_the_node_is_active_and_its_end_is_the_end(
    launch_node: Any, config: Path, bag: Path, path_with_ros2: Play
) -> None:
    process = launch_node(
        FILE,
        f"config:={config}",
        f"bag:={bag}",
        "player:=ros2",
        "rate:=0.5",
        "topics:=/CAM_FRONT/image_raw /tf",
        "finish_s:=0.5",
        PATH=path_with_ros2("sleep 1"),
    )

    assert process.wait() == 0
    happened = _lines(process.output, "perception is active", "played by ros2", "the bag has ended", "SIGINT")
    assert happened == sorted(happened)
    assert (
        f"ros2 bag play {bag} --clock 100 --disable-keyboard-controls --delay 4.0 --rate 0.5 "
        "--topics /CAM_FRONT/image_raw /tf\n"
    ) in process.output
    assert "FASTDDS_DEFAULT_PROFILES_FILE" in process.output
    assert process.output.count("process has finished cleanly") == 2


def test_the_node_lives_in_the_bags_time_and_is_not_started_again(
    launch_stand_in: Any, config: Path, bag: Path, path_with_ros2: Play
) -> None:
    process = launch_stand_in(
        FILE, f"config:={config}", f"bag:={bag}", "player:=ros2", "namespace:=/car", "backend:=tensorrt"
    )

    started = process.wait_for(r"started as (\{.*\})")

    for parameter in ("use_sim_time: true", "autostart: false", "backend: tensorrt", "__ns:=/car"):
        assert parameter in started


def test_a_looping_bag_goes_on_until_it_is_interrupted(
    launch_node: Any, config: Path, bag: Path, path_with_ros2: Play
) -> None:
    process = launch_node(
        FILE, f"config:={config}", f"bag:={bag}", "player:=ros2", "loop:=true", PATH=path_with_ros2("exec sleep 60")
    )

    process.wait_for("played by ros2 .*--loop")

    assert process.interrupt() == 0
    assert "the bag has ended" not in process.output
    assert "Traceback" not in process.output


def test_a_bag_that_cannot_be_played_is_an_error(
    launch_node: Any, config: Path, bag: Path, path_with_ros2: Play
) -> None:
    process = launch_node(FILE, f"config:={config}", f"bag:={bag}", "player:=ros2", PATH=path_with_ros2("exit 7"))

    assert process.wait() == 1
    assert "the player ended with code 7" in process.output


def test_a_node_that_cannot_be_configured_ends_the_replay(
    launch_node: Any, config: Path, bag: Path, path_with_ros2: Play
) -> None:
    (config.parent / "tiny.onnx").write_bytes(b"not a model")

    process = launch_node(FILE, f"config:={config}", f"bag:={bag}", "player:=ros2", PATH=path_with_ros2("sleep 60"))

    assert process.wait() == 1
    assert "the node failed" in process.output
    assert "played by" not in process.output


def test_a_node_that_dies_ends_the_replay(launch_node: Any, config: Path, bag: Path, path_with_ros2: Play) -> None:
    process = launch_node(
        FILE, f"config:={config}", f"bag:={bag}", "player:=ros2", PATH=path_with_ros2("exec sleep 60")
    )
    process.wait_for("played by ros2")

    os.kill(process.node_pids[0], signal.SIGKILL)

    assert process.wait() == 1
    assert "the node failed" in process.output


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        pytest.param("bag:=/no/such/bag", "bag: no bag /no/such/bag", id="absent_bag"),
        pytest.param("player:=vlc", "player: expected auto, ros2, trt-perception, got 'vlc'", id="player"),
        pytest.param("rate:=0", "rate: expected a number above 0, got '0'", id="rate"),
        pytest.param("loop:=2", "loop: expected true or false, got '2'", id="loop"),
        pytest.param("config:=/no/such.yaml", "/no/such.yaml", id="absent_config"),
    ],
)
def test_a_wrong_argument_is_one_line_and_starts_nothing(
    launch_stand_in: Any, config: Path, bag: Path, argument: str, message: str
) -> None:
    process = launch_stand_in(FILE, f"config:={config}", f"bag:={bag}", argument)

    assert process.wait() == 1
    assert [line for line in process.output.splitlines() if "ERROR" in line and message in line]
    assert "Traceback" not in process.output
    assert process.node_pids == []
