"""What the network said about one held-out picture, beside what is true."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trt_perception.demo.classes import MASK_NAMES
from trt_perception.demo.ground_truth import GroundTruth
from trt_perception.demo.ignore_rule import IgnoreRule
from trt_perception.detections import Detections
from trt_perception.validate.confusion_matrix import ConfusionMatrix
from trt_perception.validate.image_truth import ImageTruth


@dataclass(frozen=True, kw_only=True, eq=False)
class EvaluatedImage:
    """One picture.

    Args:
        detections: What was found, at a low score threshold.
        truth: The objects, with those marked that the ignore rule leaves out.
        confusion: Pixels by true and predicted class.
        condition: Light and weather.
    """

    detections: Detections
    truth: ImageTruth
    confusion: ConfusionMatrix
    condition: str


def evaluated_image(
    detections: Detections, mask: NDArray[np.uint8], truth: GroundTruth, condition: str
) -> EvaluatedImage:
    """Put one picture's results beside its truth. mask: uint8 (h, w), of the truth mask's size."""
    confusion = ConfusionMatrix(len(MASK_NAMES))
    confusion.add(mask, truth.mask)
    ignored = ~IgnoreRule().evaluated(truth)
    return EvaluatedImage(
        detections=detections,
        truth=ImageTruth(boxes=truth.boxes, class_ids=truth.class_ids, ignored=ignored),
        confusion=confusion,
        condition=condition,
    )
