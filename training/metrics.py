"""Accuracy of a network over many held-out pictures, as one mapping that becomes JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.average_precision import average_precision
from training.evaluated_image import EvaluatedImage
from trt_perception.demo.classes import CLASS_NAMES, MASK_NAMES
from trt_perception.demo.ignore_rule import IgnoreRule


def summarize(images: Sequence[EvaluatedImage]) -> dict[str, Any]:
    """mAP50, mAP50:95 and IoU over all pictures, per class and per condition."""
    precision, computed_by = average_precision(images, len(CLASS_NAMES))
    rule = IgnoreRule()
    result = _accuracy(images, precision)
    objects = np.concatenate([image.truth_classes[~image.is_ignored] for image in images])
    result["computed_by"] = computed_by
    result["ignore_rule"] = {
        "min_side_px": rule.min_side_px,
        "min_visible_fraction": rule.min_visible_fraction,
        "max_truncation": rule.max_truncation,
    }
    result["per_class"] = {
        name: {
            "ap50": _number(precision[0, index]),
            "ap50_95": _number(_mean(precision[:, index])),
            "objects": int((objects == index).sum()),
        }
        for index, name in enumerate(CLASS_NAMES)
    }
    result["per_condition"] = {}
    for condition in sorted({image.condition for image in images}):
        chosen = [image for image in images if image.condition == condition]
        result["per_condition"][condition] = _accuracy(chosen, average_precision(chosen, len(CLASS_NAMES))[0])
    return result


def _accuracy(images: Sequence[EvaluatedImage], precision: NDArray[np.float64]) -> dict[str, Any]:
    confusion = np.sum([image.confusion for image in images], axis=0)
    intersection = np.diag(confusion).astype(np.float64)
    union = confusion.sum(0) + confusion.sum(1) - intersection
    ious = {
        name: _number(intersection[index] / union[index]) if union[index] else None
        for index, name in enumerate(MASK_NAMES)
    }
    return {
        "pictures": len(images),
        "objects": int(sum((~image.is_ignored).sum() for image in images)),
        "map50": _number(_mean(precision[0])),
        "map50_95": _number(_mean(precision)),
        "iou": ious,
    }


def _mean(values: NDArray[np.float64]) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else float("nan")


def _number(value: float) -> float | None:
    return None if np.isnan(value) else round(float(value), 4)


def headline(metrics: dict[str, Any]) -> str:
    """The most important figures in one line."""
    iou = metrics["iou"]
    return (
        f"mAP50 {_percent(metrics['map50'])}  mAP50:95 {_percent(metrics['map50_95'])}  "
        f"drivable IoU {_percent(iou['drivable'])}  lane IoU {_percent(iou['lane'])}  ({metrics['pictures']} pictures)"
    )


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
