"""The demo world: a synthetic multi-camera drive with ground truth, drawn with OpenCV and NumPy alone."""

from trt_perception.demo.camera_model import CameraModel
from trt_perception.demo.classes import CLASS_NAMES, MASK_NAMES
from trt_perception.demo.condition import Condition
from trt_perception.demo.drive import Drive
from trt_perception.demo.drive_options import DriveOptions
from trt_perception.demo.drive_sample import DriveSample
from trt_perception.demo.ground_truth import GroundTruth
from trt_perception.demo.ignore_rule import IgnoreRule

__all__ = [
    "CLASS_NAMES",
    "MASK_NAMES",
    "CameraModel",
    "Condition",
    "Drive",
    "DriveOptions",
    "DriveSample",
    "GroundTruth",
    "IgnoreRule",
]
