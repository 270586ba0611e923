"""The ROS distribution whose set-up file the user has sourced."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tools.set_up.error import MissingPrerequisiteError

NEEDED_PACKAGES = (
    "diagnostic_msgs",
    "geometry_msgs",
    "lifecycle_msgs",
    "rclpy",
    "rosidl_generator_py",
    "sensor_msgs",
    "std_msgs",
    "std_srvs",
)

PACKAGE_INDEX = "share/ament_index/resource_index/packages"


@dataclass(frozen=True, kw_only=True)
class Distribution:
    """A sourced ROS distribution: what it provides is used, and neither built nor installed here.

    Args:
        name: `jazzy`, or `ROS` where the environment does not say.
        prefixes: The ament prefixes, the first found first.
    """

    name: str
    prefixes: tuple[str, ...]

    def provides(self, package: str) -> bool:
        """Whether one of the prefixes holds a ROS package."""
        return any(Path(prefix, PACKAGE_INDEX, package).is_file() for prefix in self.prefixes)


def sourced_distribution(environment: Mapping[str, str], root: Path) -> Distribution | None:
    """The sourced distribution, None where there is none.

    AMENT_PREFIX_PATH decides: container images set ROS_DISTRO without sourcing anything. The project's own
    environments do not count.
    """
    entries = environment.get("AMENT_PREFIX_PATH", "").split(os.pathsep)
    prefixes = tuple(entry for entry in entries if entry and not Path(entry).resolve().is_relative_to(root))
    if not prefixes:
        return None
    return Distribution(name=environment.get("ROS_DISTRO", "ROS"), prefixes=prefixes)


def check_distribution(distribution: Distribution) -> None:
    """Raise MissingPrerequisiteError where this interpreter cannot use the distribution."""
    absent = [name for name in NEEDED_PACKAGES if module_version(name) is None]
    if not absent:
        return
    version = ".".join(map(str, sys.version_info[:2]))
    if "rclpy" in absent:
        raise MissingPrerequisiteError(
            f"set-up: ROS {distribution.name} is sourced ({distribution.prefixes[0]}), but Python {version} cannot "
            "import its rclpy; name the distribution's own Python (PYTHON=/usr/bin/python3 make ...), or use a shell "
            "where no ROS is sourced, and ROS 2 comes from PyPI"
        )
    names = " ".join(f"ros-{distribution.name}-{name.replace('_', '-')}" for name in absent)
    raise MissingPrerequisiteError(
        f"set-up: ROS {distribution.name} lacks {', '.join(absent)}\n  {apt_get_install(names)}"
    )


def module_version(module: str) -> str | None:
    """A module's `__version__` ('' where it has none) in this interpreter, None where it does not import."""
    code = f"import {module}; print(getattr({module}, '__version__', ''))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    return result.stdout.strip() if result.returncode == 0 else None


def apt_get_install(names: str) -> str:
    """The command that installs Debian packages, as this user has to type it."""
    return f"{'' if os.geteuid() == 0 else 'sudo '}apt-get install -y {names}"
