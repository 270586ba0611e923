"""Quality of service of the node's topics. What a user may override, `qos_overrides` parameters override."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy
from rclpy.qos_overriding_options import QoSOverridingOptions

from trt_perception.settings.camera_settings import CameraSettings, Reliability


def image_profile(camera: CameraSettings) -> Any:
    """An image subscription: the newest image only."""
    is_reliable = camera.reliability is Reliability.RELIABLE
    return QoSProfile(
        history=HistoryPolicy.KEEP_LAST,
        depth=1,
        reliability=ReliabilityPolicy.RELIABLE if is_reliable else ReliabilityPolicy.BEST_EFFORT,
    )


def result_profile() -> Any:
    """Detections and masks."""
    return QoSProfile(history=HistoryPolicy.KEEP_LAST, depth=5, reliability=ReliabilityPolicy.RELIABLE)


def debug_profile() -> Any:
    """Pictures for people. Reliable, since that is what viewers ask for by default."""
    return QoSProfile(history=HistoryPolicy.KEEP_LAST, depth=1, reliability=ReliabilityPolicy.RELIABLE)


def timing_profile() -> Any:
    """Times of frames: every one is wanted, but not at the price of making a frame wait."""
    return QoSProfile(history=HistoryPolicy.KEEP_LAST, depth=100, reliability=ReliabilityPolicy.RELIABLE)


def latched_profile() -> Any:
    """Facts that do not change: whoever comes late gets them, too."""
    return QoSProfile(
        history=HistoryPolicy.KEEP_LAST,
        depth=1,
        reliability=ReliabilityPolicy.RELIABLE,
        durability=DurabilityPolicy.TRANSIENT_LOCAL,
    )


def overridable() -> Any:
    """Options that let the user override history, depth and reliability."""
    return QoSOverridingOptions.with_default_policies()


def pack_profile(profile: Any) -> dict[str, Any]:
    """The policies that an image subscription has, as JSON knows them."""
    return {
        "history": profile.history.name,
        "depth": profile.depth,
        "reliability": profile.reliability.name,
        "durability": profile.durability.name,
    }


def unpack_profile(values: Mapping[str, Any]) -> Any:
    """The profile that was packed."""
    return QoSProfile(
        history=HistoryPolicy[values["history"]],
        depth=values["depth"],
        reliability=ReliabilityPolicy[values["reliability"]],
        durability=DurabilityPolicy[values["durability"]],
    )
