"""TensorRT perception for ROS 2: from camera topics to vision_msgs.

This package imports without ROS, without a GPU and without TensorRT; what needs them says so when it is used.
"""

from trt_perception.detections import Detections
from trt_perception.encoding import Encoding
from trt_perception.errors import (
    BagError,
    ConfigError,
    DeviceError,
    DropReason,
    EngineError,
    FrameError,
    GateError,
    InputError,
    MissingError,
    ModelError,
    PerceptionError,
)
from trt_perception.frame import EncodedFrame, Frame
from trt_perception.instance_detections import InstanceDetections
from trt_perception.result import Result, StageTimes
from trt_perception.segmentation_mask import UNLABELLED, SegmentationMask
from trt_perception.thresholds import Thresholds
from trt_perception.version import __version__

__all__ = [
    "UNLABELLED",
    "BagError",
    "ConfigError",
    "Detections",
    "DeviceError",
    "DropReason",
    "EncodedFrame",
    "Encoding",
    "EngineError",
    "Frame",
    "FrameError",
    "GateError",
    "InputError",
    "InstanceDetections",
    "MissingError",
    "ModelError",
    "PerceptionError",
    "Result",
    "SegmentationMask",
    "StageTimes",
    "Thresholds",
    "__version__",
]
