"""What the network said about one held-out picture, beside what is true."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trt_perception.demo.classes import MASK_NAMES
from trt_perception.demo.ground_truth import GroundTruth
from trt_perception.demo.ignore_rule import IgnoreRule
from trt_perception.detections import Detections


@dataclass(frozen=True, kw_only=True, eq=False)
class EvaluatedImage:
    """One picture.

    Args:
        detections: What was found, at a low score threshold.
        truth_boxes: float32 (n, 4), x1 y1 x2 y2 in px.
        truth_classes: int32 (n,).
        is_ignored: bool (n,), objects that the ignore rule leaves out.
        confusion: int64 (masks, masks), pixels by true class (row) and predicted class (column).
        condition: Light and weather.
    """

    detections: Detections
    truth_boxes: NDArray[np.float32]
    truth_classes: NDArray[np.int32]
    is_ignored: NDArray[np.bool_]
    confusion: NDArray[np.int64]
    condition: str


def evaluated_image(
    detections: Detections, mask: NDArray[np.uint8], truth: GroundTruth, condition: str
) -> EvaluatedImage:
    """Put one picture's results beside its truth. mask: uint8 (h, w), of the truth mask's size."""
    return EvaluatedImage(
        detections=detections,
        truth_boxes=truth.boxes,
        truth_classes=truth.class_ids,
        is_ignored=~IgnoreRule().evaluated(truth),
        confusion=confusion(truth.mask, mask),
        condition=condition,
    )


def confusion(truth: NDArray[np.uint8], predicted: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Pixels by true class (row) and predicted class (column); true class 255 does not count."""
    count = len(MASK_NAMES)
    known = truth < count
    pairs = truth[known].astype(np.int64) * count + np.minimum(predicted[known], count - 1)
    return np.bincount(pairs, minlength=count * count).reshape(count, count)
