"""A whole message of every type that is read, and its reader."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from trt_perception import Detections
from trt_perception.bag.true_objects import TrueObjects
from trt_perception.bag.true_objects_message import TrueObjectsMessage, decode_true_objects, encode_true_objects
from trt_perception.cdr import (
    CameraInfoMessage,
    DetectionArrayEncoder,
    LabelInfoMessage,
    TransformRecord,
    VisionInfoMessage,
    decode_camera_info,
    decode_clock,
    decode_detection_array,
    decode_label_info,
    decode_string,
    decode_transforms,
    decode_vision_info,
    encode_camera_info,
    encode_clock,
    encode_compressed_image,
    encode_image,
    encode_label_info,
    encode_string,
    encode_transforms,
    encode_vision_info,
    frame_from_image,
    parse_compressed_image,
    parse_image,
)
from trt_perception.cdr.header_bytes import read_stamp_ns

Reader = Callable[[bytes], object]

READERS: dict[str, Reader] = {
    "image": lambda data: frame_from_image(parse_image(data), "front"),
    "compressed_image": lambda data: parse_compressed_image(data, "front"),
    "detections": decode_detection_array,
    "true_objects": decode_true_objects,
    "camera_info": decode_camera_info,
    "transforms": decode_transforms,
    "clock": decode_clock,
    "string": decode_string,
    "vision_info": decode_vision_info,
    "label_info": decode_label_info,
    "stamp": read_stamp_ns,
}

_BOXES = Detections(boxes=np.ones((3, 4), np.float32), scores=np.ones(3, np.float32), class_ids=np.zeros(3, np.int32))
_TRUTH = TrueObjects(
    boxes=np.array([[1, 2, 3, 4], [5, 6, 7, 8]], np.float32),
    labels=("car", "bus"),
    track_ids=("1", "2"),
    visible_fraction=np.array([1, 0.5], np.float32),
    truncation=np.array([0, 0.5], np.float32),
    ignored=np.array([False, True]),
)

VALID: dict[str, bytes] = {
    "image": encode_image(np.zeros((4, 6, 3), np.uint8), stamp_ns=1, frame_id="front_optical", encoding="bgr8"),
    "compressed_image": encode_compressed_image(b"0123456789", stamp_ns=1, frame_id="front_optical", format="jpeg"),
    "detections": DetectionArrayEncoder(["car"]).encode(_BOXES, stamp_ns=1, frame_id="front_optical"),
    "true_objects": encode_true_objects(TrueObjectsMessage(stamp_ns=1, frame_id="front_optical", objects=_TRUTH)),
    "camera_info": encode_camera_info(
        CameraInfoMessage(
            stamp_ns=1,
            frame_id="front_optical",
            height=4,
            width=6,
            distortion_model="plumb_bob",
            distortion=np.zeros(5),
            intrinsics=np.eye(3),
            rectification=np.eye(3),
            projection=np.eye(3, 4),
        )
    ),
    "transforms": encode_transforms(
        [TransformRecord(stamp_ns=1, frame_id="a", child_frame_id="b", translation=(1, 2, 3), rotation=(0, 0, 0, 1))]
        * 3
    ),
    "clock": encode_clock(12345),
    "string": encode_string("{}"),
    "vision_info": encode_vision_info(
        VisionInfoMessage(stamp_ns=1, frame_id="f", method="yolox", database_location="here", database_version=1)
    ),
    "label_info": encode_label_info(
        LabelInfoMessage(stamp_ns=1, frame_id="f", class_map={0: "car", 1: "bus"}, threshold=0.5)
    ),
    "stamp": encode_string("frame")[:4] + bytes(8),
}
