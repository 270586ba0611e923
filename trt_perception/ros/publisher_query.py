"""Asks the ROS graph who publishes to an image subscription."""

from __future__ import annotations

from typing import Any

from rclpy.qos import DurabilityPolicy, QoSCompatibility, ReliabilityPolicy, qos_check_compatible
from rclpy.utilities import get_rmw_implementation_identifier

from trt_perception.errors import MissingError
from trt_perception.ros.dds_profile import PROFILE
from trt_perception.ros.image_publishers import ImagePublishers
from trt_perception.share_folder import share_file


def query_publishers(node: Any, topic: str, ours: Any, *, is_raw: bool) -> ImagePublishers:
    """The publishers of a topic, as the middleware knows them now.

    Args:
        node: The node that subscribes.
        topic: Full name of the topic.
        ours: Quality of service of the subscription, as overridden.
        is_raw: Whether the images are raw: those are larger than Fast DDS's default segment.
    """
    names, clashes = [], []
    for publisher in node.get_publishers_info_by_topic(topic):
        name = f"{publisher.node_namespace.rstrip('/')}/{publisher.node_name}"
        names.append(name)
        compatibility, _ = qos_check_compatible(publisher.qos_profile, ours)
        if compatibility == QoSCompatibility.ERROR:
            clashes.append(
                f"quality of service clashes: {name} offers {_profile(publisher.qos_profile)}, this node asks for "
                f"{_profile(ours)}; {_remedy(publisher.qos_profile, ours)}"
            )
    return ImagePublishers(
        names=tuple(sorted(names)), clashes=tuple(sorted(clashes)), advice=_segment_advice() if is_raw else ""
    )


def _profile(profile: Any) -> str:
    return f"{profile.reliability.name.lower()}, {profile.durability.name.lower()}"


def _remedy(offered: Any, ours: Any) -> str:
    if ours.reliability == ReliabilityPolicy.RELIABLE and offered.reliability == ReliabilityPolicy.BEST_EFFORT:
        return "set `reliability: best_effort` for the camera"
    if ours.durability == DurabilityPolicy.TRANSIENT_LOCAL:
        return "remove the override of durability"
    return "change the publisher's or override ours (qos_overrides)"


def _segment_advice() -> str:
    """What to do where images that are sent never come: with Fast DDS mostly the sender's segment."""
    if "fastrtps" not in get_rmw_implementation_identifier():
        return ""
    try:
        profile = str(share_file(PROFILE))
    except MissingError:
        profile = PROFILE
    return (
        "if they send, images above 512 KiB need a larger shared-memory segment at the sender: start the camera "
        f"driver with FASTDDS_DEFAULT_PROFILES_FILE={profile}"
    )
