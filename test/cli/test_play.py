"""`trt-perception play`: when it begins, and what of a bag it plays."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from helpers.reference_types import reference_header, reference_image, reference_types
from helpers.ros_environment import UNWANTED, ros_environment
from rosbags.rosbag2 import Writer
from rosbags.typesys import get_types_from_msg

pytest.importorskip("rclpy", reason="ROS 2 is not installed here")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for camera in ("front", "back"):
        cv2.imwrite(str(tmp_path / f"{camera}.png"), np.full((6, 8, 3), 90, np.uint8))
    return tmp_path


@pytest.fixture
def bag_with_a_strange_type(tmp_path: Path) -> Path:
    """One image, and one message of a type that no ROS has."""
    store = reference_types()
    store.register(get_types_from_msg("float64 x\n", "strange_msgs/msg/Thing"))
    header = reference_header(store, 1, 0, "front")
    image = reference_image(store, header, encoding="bgr8", image=np.zeros((6, 8, 3), np.uint8))
    thing = store.types["strange_msgs/msg/Thing"](x=1.0)
    with Writer(tmp_path / "bag", version=9) as writer:
        for topic, kind, message in [
            ("/front/image_raw", "sensor_msgs/msg/Image", image),
            ("/thing", "strange_msgs/msg/Thing", thing),
        ]:
            connection = writer.add_connection(topic, kind, typestore=store)
            writer.write(connection, 10**9, store.serialize_cdr(message, kind))
    return tmp_path / "bag"


def _play(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if name not in UNWANTED}
    command = [sys.executable, "-m", "trt_perception.cli.main", "play", str(folder), "--seconds", "0.1", *arguments]
    environment = {**kept, **ros_environment(folder.parent / "ros_log")}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize(
    ("wait_for", "missing"),
    [
        pytest.param([], ["back/image_raw/compressed", "front/image_raw/compressed"], id="all_images"),
        pytest.param(["front/image_raw/compressed", "roof/image_raw"], ["front/image_raw/compressed"], id="named"),
    ],
)
def test_names_the_topics_that_it_waited_for_in_vain(folder: Path, wait_for: list[str], missing: list[str]) -> None:
    result = _play(folder, "--wait", "0.2", *(["--wait-for", *wait_for] if wait_for else []))

    assert result.returncode != 0
    assert f"{', '.join(missing)}: nobody subscribed within 0.2 s" in result.stderr


def test_plays_when_no_topic_is_to_be_waited_for(folder: Path) -> None:
    result = _play(folder, "--wait", "5", "--wait-for", "roof/image_raw")

    assert result.returncode == 0, result.stderr
    assert "front/image_raw/compressed: 1" in result.stdout


def test_delays_the_first_message(folder: Path) -> None:
    started = time.monotonic()

    result = _play(folder, "--delay", "1.5")

    assert result.returncode == 0, result.stderr
    assert time.monotonic() - started > 1.5


def test_refuses_a_negative_delay(folder: Path) -> None:
    result = _play(folder, "--delay", "-1")

    assert result.returncode == 2
    assert "--delay: expected a number from 0, got -1" in result.stderr


def test_leaves_out_topics_whose_types_are_not_installed_and_names_them(bag_with_a_strange_type: Path) -> None:
    result = _play(bag_with_a_strange_type)

    assert result.returncode == 0, result.stderr
    assert result.stdout == "/front/image_raw: 1\n"
    assert "not played, as their message types are not installed: /thing (strange_msgs/msg/Thing)" in result.stderr


def test_refuses_a_topic_that_was_asked_for_and_cannot_be_played(bag_with_a_strange_type: Path) -> None:
    result = _play(bag_with_a_strange_type, "--topics", "/front/image_raw", "/thing")

    assert result.returncode == 3
    assert "strange_msgs" in result.stderr
    assert "Traceback" not in result.stderr
