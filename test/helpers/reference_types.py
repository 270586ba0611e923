"""An independent CDR implementation (rosbags) with vision_msgs definitions typed anew, to judge ours by."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from rosbags.typesys import Stores, get_types_from_msg, get_typestore
from rosbags.typesys.store import Typestore

VISION_MSGS = {
    "Point2D": "float64 x\nfloat64 y\n",
    "Pose2D": "vision_msgs/Point2D position\nfloat64 theta\n",
    "BoundingBox2D": "vision_msgs/Pose2D center\nfloat64 size_x\nfloat64 size_y\n",
    "ObjectHypothesis": "string class_id\nfloat64 score\n",
    "ObjectHypothesisWithPose": "vision_msgs/ObjectHypothesis hypothesis\ngeometry_msgs/PoseWithCovariance pose\n",
    "Detection2D": (
        "std_msgs/Header header\nvision_msgs/ObjectHypothesisWithPose[] results\n"
        "vision_msgs/BoundingBox2D bbox\nstring id\n"
    ),
    "Detection2DArray": "std_msgs/Header header\nvision_msgs/Detection2D[] detections\n",
    "VisionInfo": "std_msgs/Header header\nstring method\nstring database_location\nint32 database_version\n",
    "VisionClass": "uint16 class_id\nstring class_name\n",
    "LabelInfo": "std_msgs/Header header\nvision_msgs/VisionClass[] class_map\nfloat32 threshold\n",
}


def reference_types() -> Typestore:
    """The typestore of a ROS distribution, with vision_msgs."""
    store = get_typestore(Stores.ROS2_JAZZY)
    types: dict[str, Any] = {}
    for name, definition in VISION_MSGS.items():
        types.update(get_types_from_msg(definition, f"vision_msgs/msg/{name}"))
    store.register(types)
    return store


def reference_header(store: Typestore, sec: int, nanosec: int, frame_id: str) -> Any:
    """A std_msgs/msg/Header object."""
    time = store.types["builtin_interfaces/msg/Time"](sec=sec, nanosec=nanosec)
    return store.types["std_msgs/msg/Header"](stamp=time, frame_id=frame_id)


def reference_image(
    store: Typestore, header: Any, *, encoding: str, image: np.ndarray, pad: int = 0, **fields: Any
) -> Any:
    """A sensor_msgs/msg/Image object; every row is followed by `pad` bytes of 0xEE."""
    rows = (
        np.ascontiguousarray(image)
        .view(np.uint8)
        .reshape(image.shape[0], math.prod(image.shape[1:]) * image.dtype.itemsize)
    )
    padded = np.pad(rows, ((0, 0), (0, pad)), constant_values=0xEE)
    values = {
        "header": header,
        "height": image.shape[0],
        "width": image.shape[1],
        "encoding": encoding,
        "is_bigendian": 0,
        "step": padded.shape[1],
        "data": padded.reshape(-1),
    }
    return store.types["sensor_msgs/msg/Image"](**{**values, **fields})
