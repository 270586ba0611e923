"""vision_msgs 4 and FrameTiming, typed anew from their documentation: what the built packages are compared with."""

from __future__ import annotations

from rosbags.typesys import Stores, get_types_from_msg, get_typestore
from rosbags.typesys.store import Typestore

VISION_DEFINITIONS = {
    "Point2D": "float64 x\nfloat64 y",
    "Pose2D": "vision_msgs/Point2D position\nfloat64 theta",
    "BoundingBox2D": "vision_msgs/Pose2D center\nfloat64 size_x\nfloat64 size_y",
    "ObjectHypothesis": "string class_id\nfloat64 score",
    "ObjectHypothesisWithPose": "vision_msgs/ObjectHypothesis hypothesis\ngeometry_msgs/PoseWithCovariance pose",
    "Detection2D": (
        "std_msgs/Header header\nvision_msgs/ObjectHypothesisWithPose[] results\n"
        "vision_msgs/BoundingBox2D bbox\nstring id"
    ),
    "Detection2DArray": "std_msgs/Header header\nvision_msgs/Detection2D[] detections",
    "VisionClass": "uint16 class_id\nstring class_name",
    "LabelInfo": "std_msgs/Header header\nvision_msgs/VisionClass[] class_map\nfloat32 threshold",
    "VisionInfo": "std_msgs/Header header\nstring method\nstring database_location\nint32 database_version",
}

FRAME_TIMING_DEFINITION = """
std_msgs/Header header
string camera
string pipeline
uint64 sequence
string drop_reason
int64 age_ns
builtin_interfaces/Time published
int64 published_ns
int64 received_ns
int64 started_ns
int64 image_decoded_ns
int64 uploaded_ns
int64 preprocessed_ns
int64 inferred_ns
int64 decoded_ns
"""


def typed_store() -> Typestore:
    """A rosbags type store with the standard messages and the definitions above."""
    store = get_typestore(Stores.ROS2_JAZZY)
    definitions = {f"vision_msgs/msg/{name}": text for name, text in VISION_DEFINITIONS.items()}
    definitions["trt_perception_msgs/msg/FrameTiming"] = FRAME_TIMING_DEFINITION
    types = {}
    for name, text in definitions.items():
        types.update(get_types_from_msg(text, name))
    store.register(types)
    return store
