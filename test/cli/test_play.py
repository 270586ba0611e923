"""`trt-perception play`: when it begins."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from helpers.ros_environment import UNWANTED, ros_environment

pytest.importorskip("rclpy", reason="ROS 2 is not installed here")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for camera in ("front", "back"):
        cv2.imwrite(str(tmp_path / f"{camera}.png"), np.full((6, 8, 3), 90, np.uint8))
    return tmp_path


def _play(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if name not in UNWANTED}
    command = [sys.executable, "-m", "trt_perception.cli.main", "play", str(folder), "--seconds", "0.1", *arguments]
    environment = {**kept, **ros_environment(folder / "ros_log")}
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
