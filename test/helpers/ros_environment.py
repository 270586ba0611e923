"""Environment of tests that use ROS: a domain of their own, logs in a folder of their own, room for images."""

from __future__ import annotations

import os
import socket
import sys
from functools import cache
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
PROFILE = PROJECT / "config" / "fastdds_large_segment.xml"


def ros_environment(log_folder: Path) -> dict[str, str]:
    """Variables for this process and those that it starts."""
    return {
        "ROS_DOMAIN_ID": str(own_domain()[0]),
        "ROS_LOG_DIR": str(log_folder),
        "FASTDDS_DEFAULT_PROFILES_FILE": str(PROFILE),
        "AMENT_PREFIX_PATH": os.environ.get("AMENT_PREFIX_PATH") or sys.prefix,
        "PYTHONPATH": os.pathsep.join(filter(None, [str(PROJECT), os.environ.get("PYTHONPATH", "")])),
    }


@cache
def own_domain() -> tuple[int, socket.socket]:
    """A domain that no other test run on this machine has, and the socket whose name says so until this process ends.

    Ports of domains up to 100 stay clear of the system's ephemeral ports.
    """
    for offset in range(99):
        domain = 1 + (os.getpid() + offset) % 99
        claim = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            claim.bind(f"\0trt_perception_test_domain_{domain}")
        except OSError:
            claim.close()
            continue
        return domain, claim
    raise RuntimeError("all 99 ROS domains are taken by other test runs")


UNWANTED = ("ROS_AUTOMATIC_DISCOVERY_RANGE", "ROS_LOCALHOST_ONLY", "FASTDDS_BUILTIN_TRANSPORTS")
"""Variables that would override what these tests rely on."""
