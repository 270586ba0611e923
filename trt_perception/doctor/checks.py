"""All checks, in the order in which the report shows them."""

from __future__ import annotations

from trt_perception.doctor.finding import Finding
from trt_perception.doctor.gpu_checks import gpu_checks
from trt_perception.doctor.host_checks import host_checks
from trt_perception.doctor.platforms import platform_checks
from trt_perception.doctor.ros_checks import ros_checks


def all_checks() -> list[Finding]:
    """Every finding of this machine. Touches nothing, starts nothing."""
    return [*host_checks(), *ros_checks(), *gpu_checks(), *platform_checks()]
