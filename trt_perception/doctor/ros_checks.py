"""ROS 2 and the settings of its middleware that decide whether large images arrive."""

from __future__ import annotations

import importlib.util
import os
import shutil
from pathlib import Path

from trt_perception.doctor.finding import Finding, Level
from trt_perception.doctor.python_package import check_package

ROS = ("ros",)

SEGMENT_BYTES = 64 * 2**20
"""Shared memory that Fast DDS needs to carry 1080p images: its default of 512 KiB holds none, and a best-effort
stream then arrives not at all."""

SHM = Path("/dev/shm")


def ros_checks() -> list[Finding]:
    """ROS packages, middleware and shared memory."""
    if importlib.util.find_spec("rclpy") is None:
        remedy = "source /opt/ros/<distribution>/setup.bash, or run `make setup` for a ROS 2 prefix out of PyPI"
        return [Finding(subject="rclpy", level=Level.MISSING, detail="not installed", remedy=remedy, needed_for=ROS)]
    return [
        _rclpy(),
        check_package("vision_msgs.msg", subject="vision_msgs", remedy=_from_ros("vision-msgs"), needed_for=ROS),
        check_package(
            "trt_perception_msgs.msg",
            subject="trt_perception_msgs",
            remedy="optional: colcon build --base-paths msg gives FrameTiming",
        ),
        check_package("cv_bridge", remedy=f"optional, for rare encodings: {_from_ros('cv-bridge')}"),
        check_package("launch_ros", remedy=f"optional, for ros2 launch: {_from_ros('launch-ros')}"),
        _middleware(),
        _shared_memory(),
    ]


def _from_ros(name: str) -> str:
    return f"apt-get install ros-{os.environ.get('ROS_DISTRO', '<distribution>')}-{name}"


def _rclpy() -> Finding:
    finding = check_package("rclpy", remedy="source the ROS distribution, or run `make setup`", needed_for=ROS)
    if finding.level is not Level.OK:
        return finding
    distribution = os.environ.get("ROS_DISTRO", "no distribution sourced: from PyPI")
    events = importlib.util.find_spec("rclpy.experimental") is not None
    executor = "EventsExecutor" if events else "SingleThreadedExecutor"
    return Finding(subject="rclpy", level=Level.OK, detail=f"{distribution}; {executor}")


def _middleware() -> Finding:
    """Whether the environment gives Fast DDS a segment that holds an image."""
    rmw = os.environ.get("RMW_IMPLEMENTATION", "rmw_fastrtps_cpp")
    if "fastrtps" not in rmw:
        return Finding(subject="middleware", level=Level.OK, detail=f"{rmw} (large-image settings are its own)")
    profile = os.environ.get("FASTDDS_DEFAULT_PROFILES_FILE") or os.environ.get("FASTRTPS_DEFAULT_PROFILES_FILE")
    if profile:
        if not Path(profile).is_file():
            return Finding(
                subject="middleware",
                level=Level.WARNING,
                detail=f"{rmw}, profile file {profile} is absent",
                remedy="correct FASTDDS_DEFAULT_PROFILES_FILE",
            )
        return Finding(subject="middleware", level=Level.OK, detail=f"{rmw}, profile {profile}")
    transports = os.environ.get("FASTDDS_BUILTIN_TRANSPORTS", "")
    local_only = os.environ.get("ROS_AUTOMATIC_DISCOVERY_RANGE") == "LOCALHOST"
    if "sockets_size" in transports and not local_only:
        return Finding(subject="middleware", level=Level.OK, detail=f"{rmw}, {transports}")
    reason = "ROS_AUTOMATIC_DISCOVERY_RANGE=LOCALHOST drops FASTDDS_BUILTIN_TRANSPORTS" if transports else "defaults"
    return Finding(
        subject="middleware",
        level=Level.WARNING,
        detail=f"{rmw}, {reason}: images above 512 KiB may not arrive",
        remedy="start the camera drivers with FASTDDS_DEFAULT_PROFILES_FILE=config/fastdds_large_segment.xml "
        "(the segment is the sender's)",
    )


def _shared_memory() -> Finding:
    if not SHM.is_dir():
        return Finding(
            subject="shared memory", level=Level.WARNING, detail="no /dev/shm", remedy="mount a tmpfs of 1 GiB there"
        )
    usage = shutil.disk_usage(SHM)
    detail = f"/dev/shm {usage.total / 2**20:.0f} MiB, {usage.free / 2**20:.0f} MiB free"
    # A segment a sender; 64 MiB in all, Docker's default, is gone with the first.
    if usage.free < 2 * SEGMENT_BYTES:
        return Finding(
            subject="shared memory",
            level=Level.WARNING,
            detail=detail,
            remedy="give it 1 GiB (docker run --shm-size=1g, or --ipc=host)",
        )
    return Finding(subject="shared memory", level=Level.OK, detail=detail)
