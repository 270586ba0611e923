"""The environment that makes Fast DDS carry large images, for a process that is about to be started."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from trt_perception.share_folder import share_file

PROFILE = "config/fastdds_large_segment.xml"

# Fast DDS 3 renamed the variable: before Kilted only the old name is read, since then the old name earns a warning.
_OLD_VARIABLE = "FASTRTPS_DEFAULT_PROFILES_FILE"
_VARIABLE = "FASTDDS_DEFAULT_PROFILES_FILE"
_OLD_DISTRIBUTIONS = frozenset({"humble", "iron", "jazzy"})

_CHOICES_OF_THE_USER = (_VARIABLE, _OLD_VARIABLE, "FASTDDS_BUILTIN_TRANSPORTS")


def dds_environment(environment: Mapping[str, str], profile: Path | None = None) -> dict[str, str]:
    """The variables to add to `environment`, so that a sender's shared-memory segment holds large images.

    Args:
        environment: Where the process will run; ROS_DISTRO decides which name of the variable is read.
        profile: A Fast DDS profile to use instead of the package's.

    Returns:
        Nothing where the user has already chosen transports or profiles and no `profile` was given.

    Raises:
        MissingError: The package's own profile is not installed.
    """
    if profile is None:
        if any(environment.get(name) for name in _CHOICES_OF_THE_USER):
            return {}
        profile = share_file(PROFILE)
    old = environment.get("ROS_DISTRO") in _OLD_DISTRIBUTIONS
    return {_OLD_VARIABLE if old else _VARIABLE: str(profile)}
