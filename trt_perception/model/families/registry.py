"""The families that are supported: one line each."""

from __future__ import annotations

from trt_perception.model.families.detr import DetrFamily
from trt_perception.model.families.efficient_nms import EfficientNmsFamily
from trt_perception.model.families.head_family import HeadFamily
from trt_perception.model.families.rtdetr import RtdetrFamily
from trt_perception.model.families.rtdetr_deploy import RtdetrDeployFamily
from trt_perception.model.families.semantic import SemanticFamily
from trt_perception.model.families.yolov5 import Yolov5Family
from trt_perception.model.families.yolov8 import Yolov8Family
from trt_perception.model.families.yolov8_seg import Yolov8SegFamily
from trt_perception.model.families.yolov10 import Yolov10Family
from trt_perception.model.families.yolox import YoloxFamily
from trt_perception.model.model_spec import HeadKind

FAMILIES: tuple[HeadFamily, ...] = (
    YoloxFamily(),
    Yolov5Family(),
    Yolov8Family(),
    Yolov8SegFamily(),
    Yolov10Family(),
    RtdetrFamily(),
    RtdetrDeployFamily(),
    DetrFamily(),
    EfficientNmsFamily(),
    SemanticFamily(),
)


def family_of(kind: HeadKind) -> HeadFamily:
    """The family that covers a kind. Every kind has one, which a test holds."""
    return next(family for family in FAMILIES if kind in family.kinds)
