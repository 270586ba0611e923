"""Boxes that a model has already freed of doubles itself: limits and the way back to the image remain."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from trt_perception.decode.candidates import select
from trt_perception.detections import Detections
from trt_perception.errors import DropReason, FrameError
from trt_perception.preprocess.image_transform import ImageTransform
from trt_perception.thresholds import Thresholds


def finished_detections(
    corners: NDArray[Any],
    scores: NDArray[Any],
    class_ids: NDArray[Any],
    *,
    output: str,
    labels: tuple[str, ...],
    transform: ImageTransform,
    thresholds: Thresholds,
) -> Detections:
    """The boxes that reach their class's limit and have area inside the image, in its pixels and clamped to it.

    Rows below every limit are not looked at: models fill up with whatever they like.

    Args:
        corners: (n, 4), x1 y1 x2 y2 in network pixels.
        scores: (n,), 0 to 1.
        class_ids: (n,), whole numbers, of any type.
        output: Name of the output that the class numbers come from, for the error.
        labels: Names of the classes.
        transform: Where the image lies in the network's input.
        thresholds: Limits; overlap is the model's affair.

    Raises:
        FrameError: inference_failed: a class number that does not exist.
    """
    limits = thresholds.by_class(labels)
    scores = scores.astype(np.float32)
    hopeful = np.flatnonzero((scores >= limits.min()) & (scores > 0))
    numbers = _checked(class_ids[hopeful], len(labels), output)
    best = select(scores[hopeful], numbers, limits)
    rows = hopeful[best]
    boxes = transform.to_image(corners[rows].astype(np.float32))
    seen = np.flatnonzero((boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1]))[: thresholds.max_detections]
    return Detections(
        boxes=boxes[seen], scores=scores[rows[seen]], class_ids=numbers[best[seen]].astype(np.int32, copy=False)
    )


def _checked(class_ids: NDArray[Any], classes: int, output: str) -> NDArray[np.intp]:
    foreign = class_ids[~((class_ids >= 0) & (class_ids < classes) & (class_ids == np.floor(class_ids)))]
    if foreign.size:
        raise FrameError(
            DropReason.INFERENCE_FAILED,
            f"output {output!r}: class number {foreign[0]}, expected a whole number from 0 to {classes - 1}",
        )
    return class_ids.astype(np.intp)
