"""ROS messages as CDR bytes, read and written by hand: no ROS, no copies of pixels, no message objects.

Only XCDR1 little endian (`CDR_LE`, what every ROS 2 middleware sends) is spoken; big endian is refused by name.
"""

from trt_perception.cdr.camera_info_message import (
    CAMERA_INFO_TYPE,
    CameraInfoMessage,
    decode_camera_info,
    encode_camera_info,
)
from trt_perception.cdr.clock_message import CLOCK_TYPE, decode_clock, encode_clock
from trt_perception.cdr.compressed_image_message import (
    COMPRESSED_IMAGE_TYPE,
    encode_compressed_image,
    parse_compressed_image,
)
from trt_perception.cdr.detection_array import DetectionArrayEncoder
from trt_perception.cdr.detection_array_message import (
    DETECTION_ARRAY_TYPE,
    DetectionArrayMessage,
    DetectionRecord,
    HypothesisRecord,
    decode_detection_array,
    encode_detection_array,
)
from trt_perception.cdr.image_message import IMAGE_TYPE, ImageMessage, encode_image, frame_from_image, parse_image
from trt_perception.cdr.label_info_message import (
    LABEL_INFO_TYPE,
    LabelInfoMessage,
    decode_label_info,
    encode_label_info,
)
from trt_perception.cdr.string_message import STRING_TYPE, decode_string, encode_string
from trt_perception.cdr.transform_message import (
    TRANSFORMS_TYPE,
    TransformRecord,
    decode_transforms,
    encode_transforms,
)
from trt_perception.cdr.vision_info_message import (
    VISION_INFO_TYPE,
    VisionInfoMessage,
    decode_vision_info,
    encode_vision_info,
)

__all__ = [
    "CAMERA_INFO_TYPE",
    "CLOCK_TYPE",
    "COMPRESSED_IMAGE_TYPE",
    "DETECTION_ARRAY_TYPE",
    "IMAGE_TYPE",
    "LABEL_INFO_TYPE",
    "STRING_TYPE",
    "TRANSFORMS_TYPE",
    "VISION_INFO_TYPE",
    "CameraInfoMessage",
    "DetectionArrayEncoder",
    "DetectionArrayMessage",
    "DetectionRecord",
    "HypothesisRecord",
    "ImageMessage",
    "LabelInfoMessage",
    "TransformRecord",
    "VisionInfoMessage",
    "decode_camera_info",
    "decode_clock",
    "decode_detection_array",
    "decode_label_info",
    "decode_string",
    "decode_transforms",
    "decode_vision_info",
    "encode_camera_info",
    "encode_clock",
    "encode_compressed_image",
    "encode_detection_array",
    "encode_image",
    "encode_label_info",
    "encode_string",
    "encode_transforms",
    "encode_vision_info",
    "frame_from_image",
    "parse_compressed_image",
    "parse_image",
]
