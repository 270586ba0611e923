"""Environment of tests that use ROS: a domain of their own, logs in a folder of their own, room for images."""

from __future__ import annotations

import os
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
PROFILE = PROJECT / "config" / "fastdds_large_segment.xml"


def ros_environment(log_folder: Path) -> dict[str, str]:
    """Variables for this process and those that it starts. The domain follows from the process, so that test runs on
    one machine do not hear each other; ports of domains up to 100 stay clear of the system's ephemeral ports."""
    return {
        "ROS_DOMAIN_ID": str(1 + os.getpid() % 99),
        "ROS_LOG_DIR": str(log_folder),
        "FASTDDS_DEFAULT_PROFILES_FILE": str(PROFILE),
        "AMENT_PREFIX_PATH": os.environ.get("AMENT_PREFIX_PATH") or sys.prefix,
        "PYTHONPATH": os.pathsep.join(filter(None, [str(PROJECT), os.environ.get("PYTHONPATH", "")])),
    }


UNWANTED = ("ROS_AUTOMATIC_DISCOVERY_RANGE", "ROS_LOCALHOST_ONLY", "FASTDDS_BUILTIN_TRANSPORTS")
"""Variables that would override what these tests rely on."""
