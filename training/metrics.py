"""Accuracy of a network over many held-out pictures, as one mapping that becomes JSON."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from training.evaluated_image import EvaluatedImage
from training.numpy_detection_metrics import measure_detections_numpy
from training.recall_by_size import recall_by_size
from trt_perception.demo.classes import CLASS_NAMES, MASK_NAMES
from trt_perception.demo.condition import Condition
from trt_perception.demo.ignore_rule import IgnoreRule
from trt_perception.validate.confusion_matrix import ConfusionMatrix
from trt_perception.validate.detection_metrics import DetectionMetrics, measure_detections

DIGITS = 4


def summarize(images: Sequence[EvaluatedImage]) -> dict[str, Any]:
    """mAP50, mAP50:95 and IoU over all pictures, per class and per condition, and recall by size."""
    has_pycocotools = importlib.util.find_spec("pycocotools") is not None
    whole, detection = _accuracy(images, has_pycocotools)
    by_condition = {}
    for condition in Condition:
        chosen = [image for image in images if image.condition == condition.value]
        if chosen:
            by_condition[condition.value] = _accuracy(chosen, has_pycocotools)[0]
    return {
        **whole,
        "computed_by": "pycocotools" if has_pycocotools else "numpy",
        "ignore_rule": asdict(IgnoreRule()),
        "per_class": {
            label: {"objects": item.objects, "map50": _rounded(item.map50), "map50_95": _rounded(item.map50_95)}
            for label, item in detection.by_class.items()
        },
        "per_condition": by_condition,
        "recall_by_size": recall_by_size(images),
    }


def _accuracy(images: Sequence[EvaluatedImage], has_pycocotools: bool) -> tuple[dict[str, Any], DetectionMetrics]:
    pairs = [(image.detections, image.truth) for image in images]
    measure = measure_detections if has_pycocotools else measure_detections_numpy
    detection = measure(pairs, labels=CLASS_NAMES)
    confusion = ConfusionMatrix(len(MASK_NAMES))
    for image in images:
        confusion.merge(image.confusion)
    return {
        "pictures": len(images),
        "objects": sum(item.objects for item in detection.by_class.values()),
        "map50": _rounded(detection.map50),
        "map50_95": _rounded(detection.map50_95),
        "iou": {name: _rounded(value) for name, value in zip(MASK_NAMES, confusion.iou(), strict=True)},
    }, detection


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, DIGITS)


def headline(metrics: dict[str, Any]) -> str:
    """The most important figures in one line."""
    iou = metrics["iou"]
    return (
        f"mAP50 {decimal(metrics['map50'])}  mAP50:95 {decimal(metrics['map50_95'])}  "
        f"drivable IoU {decimal(iou['drivable'])}  lane IoU {decimal(iou['lane'])}  ({metrics['pictures']} pictures)"
    )


def decimal(value: float | None) -> str:
    """Three digits, or a dash where there is no figure."""
    return "-" if value is None else f"{value:.3f}"
