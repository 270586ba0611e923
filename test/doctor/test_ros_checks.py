"""What the doctor says of the settings that decide whether large images arrive."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from trt_perception.doctor import ros_checks
from trt_perception.doctor.finding import Finding, Level

pytest.importorskip("rclpy", reason="ROS 2 is not installed: the checks stop at rclpy")

VARIABLES = (
    "RMW_IMPLEMENTATION",
    "FASTDDS_DEFAULT_PROFILES_FILE",
    "FASTRTPS_DEFAULT_PROFILES_FILE",
    "FASTDDS_BUILTIN_TRANSPORTS",
    "ROS_AUTOMATIC_DISCOVERY_RANGE",
)


def finding(subject: str) -> Finding:
    return next(found for found in ros_checks.ros_checks() if found.subject == subject)


@pytest.mark.parametrize(
    ("variables", "level", "words"),
    [
        pytest.param({}, Level.WARNING, "images above 512 KiB may not arrive", id="defaults"),
        pytest.param({"FASTDDS_BUILTIN_TRANSPORTS": "DEFAULT?sockets_size=64MB"}, Level.OK, "64MB", id="variable"),
        pytest.param(
            {
                "FASTDDS_BUILTIN_TRANSPORTS": "DEFAULT?sockets_size=64MB",
                "ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST",
            },
            Level.WARNING,
            "LOCALHOST drops",
            id="variable_dropped_by_localhost",
        ),
        pytest.param(
            {"FASTDDS_DEFAULT_PROFILES_FILE": "/absent/profile.xml"}, Level.WARNING, "is absent", id="absent_profile"
        ),
        pytest.param({"RMW_IMPLEMENTATION": "rmw_cyclonedds_cpp"}, Level.OK, "cyclonedds", id="other_middleware"),
    ],
)
def test_judges_the_middleware_settings(
    variables: dict[str, str], level: Level, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    found = finding("middleware")
    assert found.level is level
    assert words in found.detail
    assert bool(found.remedy) == (level is not Level.OK)


@pytest.mark.parametrize(
    ("free_mib", "level"),
    [pytest.param(64, Level.WARNING, id="docker_default"), pytest.param(1024, Level.OK, id="a_gibibyte")],
)
def test_judges_the_size_of_shared_memory(free_mib: int, level: Level, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = SimpleNamespace(total=free_mib * 2**20, used=0, free=free_mib * 2**20)
    monkeypatch.setattr(ros_checks, "SHM", Path("/"))
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    found = finding("shared memory")
    assert found.level is level
    assert ("--shm-size" in found.remedy) == (level is Level.WARNING)
