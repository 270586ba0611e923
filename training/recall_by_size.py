"""Which share of the objects is found in ordinary use, by their size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.evaluated_image import EvaluatedImage
from trt_perception.demo.classes import CLASS_NAMES

SCORE = 0.3
IOU = 0.5
SIZES = {"below 20 px": (0.0, 20.0), "20 to 40 px": (20.0, 40.0), "40 px and more": (40.0, np.inf)}
"""Ranges of the shorter side of an object's box; the ignore rule bounds the first from below."""


def recall_by_size(images: Sequence[EvaluatedImage]) -> dict[str, dict[str, dict[str, Any]]]:
    """Per class and size: `objects`, and the share `recall` that a detection of score SCORE or more, of the same class,
    overlaps by IOU or more; None where there are no objects. Ignored objects are left out.
    """
    shorter = [np.zeros(0, np.float64)] * len(CLASS_NAMES)
    found = [np.zeros(0, np.bool_)] * len(CLASS_NAMES)
    for image in images:
        for class_id in range(len(CLASS_NAMES)):
            boxes = image.truth.boxes[(image.truth.class_ids == class_id) & ~image.truth.ignored].astype(np.float64)
            seen = (image.detections.class_ids == class_id) & (image.detections.scores >= SCORE)
            overlap = _iou(boxes, image.detections.boxes[seen].astype(np.float64))
            shorter[class_id] = np.append(shorter[class_id], (boxes[:, 2:] - boxes[:, :2]).min(1))
            found[class_id] = np.append(found[class_id], overlap.max(1, initial=0.0) >= IOU)
    return {
        name: {size: _share(found[class_id][_between(shorter[class_id], *limits)]) for size, limits in SIZES.items()}
        for class_id, name in enumerate(CLASS_NAMES)
    }


def _between(values: NDArray[np.float64], low: float, high: float) -> NDArray[np.bool_]:
    return (values >= low) & (values < high)


def _share(found: NDArray[np.bool_]) -> dict[str, Any]:
    return {"objects": len(found), "recall": round(float(found.mean()), 4) if len(found) else None}


def _iou(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """Intersection over union of boxes (n, 4) and (k, 4): (n, k)."""
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, 2:], b[None, :, 2:])
    common = np.maximum(high - low, 0.0).prod(-1)
    union = (a[:, 2:] - a[:, :2]).prod(-1)[:, None] + (b[:, 2:] - b[:, :2]).prod(-1)[None] - common
    result: NDArray[np.float64] = common / np.maximum(union, 1e-12)
    return result
