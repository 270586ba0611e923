"""Definitions of the messages that bags carry, so that any reader can decode them.

The common packages' come from rosbags' table of a ROS 2 distribution. vision_msgs and our own are not in it: their
fields stand here as in the .msg files under interfaces/ and msg/.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from trt_perception.bag.libraries import load_rosbags

OWN_DEFINITIONS = {
    "vision_msgs/msg/Point2D": "float64 x\nfloat64 y\n",
    "vision_msgs/msg/Pose2D": "Point2D position\nfloat64 theta\n",
    "vision_msgs/msg/BoundingBox2D": "Pose2D center\nfloat64 size_x\nfloat64 size_y\n",
    "vision_msgs/msg/ObjectHypothesis": "string class_id\nfloat64 score\n",
    "vision_msgs/msg/ObjectHypothesisWithPose": (
        "ObjectHypothesis hypothesis\ngeometry_msgs/PoseWithCovariance pose\n"
    ),
    "vision_msgs/msg/Detection2D": (
        "std_msgs/Header header\nObjectHypothesisWithPose[] results\nBoundingBox2D bbox\nstring id\n"
    ),
    "vision_msgs/msg/Detection2DArray": "std_msgs/Header header\nDetection2D[] detections\n",
    "vision_msgs/msg/VisionInfo": (
        "std_msgs/Header header\nstring method\nstring database_location\nint32 database_version\n"
    ),
    "vision_msgs/msg/VisionClass": "uint16 class_id\nstring class_name\n",
    "vision_msgs/msg/LabelInfo": "std_msgs/Header header\nVisionClass[] class_map\nfloat32 threshold\n",
    "trt_perception_msgs/msg/FrameTiming": (
        "std_msgs/Header header\nstring camera\nstring pipeline\nuint64 sequence\nstring drop_reason\n"
        "int64 age_ns\nbuiltin_interfaces/Time published\nint64 published_ns\nint64 received_ns\nint64 started_ns\n"
        "int64 image_decoded_ns\nint64 uploaded_ns\nint64 preprocessed_ns\nint64 inferred_ns\nint64 decoded_ns\n"
    ),
}
"""Fields by type name."""


@cache
def message_types() -> Any:
    """A rosbags typestore of all types that a bag can be written with.

    Raises:
        MissingError: rosbags is not installed.
    """
    typesys = load_rosbags("rosbags.typesys")
    store = typesys.get_typestore(typesys.Stores.ROS2_JAZZY)
    types: dict[str, Any] = {}
    for name, definition in OWN_DEFINITIONS.items():
        types.update(typesys.get_types_from_msg(definition, name))
    store.register(types)
    return store
