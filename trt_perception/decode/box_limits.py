"""Limits of detections as the kernels read them from device memory, where they may change between two frames."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from trt_perception.decode.head_kernels import aligned, view
from trt_perception.thresholds import Thresholds

_LIMITS = np.dtype(
    {
        "names": ["iou", "max_detections", "least", "least_logit"],
        "formats": [np.float64, np.int32, np.float32, np.float32],
        "offsets": [0, 8, 12, 16],
        "itemsize": 32,
    }
)
"""`Limits` of box_memory.cuh; behind it the lowest score of each class, float32."""


def limits_bytes(labels: tuple[str, ...]) -> int:
    """Size of the block of limits."""
    return aligned(_LIMITS.itemsize + 4 * len(labels))


def limits_block(thresholds: Thresholds, labels: tuple[str, ...]) -> NDArray[np.uint8]:
    """The block: uint8 (limits_bytes(labels),).

    Raises:
        ConfigError: `per_class` names a label that is not among `labels`.
    """
    by_class = thresholds.by_class(labels)
    block = np.zeros(limits_bytes(labels), np.uint8)
    fields = view(block, 0, _LIMITS, (1,))
    fields["iou"] = thresholds.nms_iou
    fields["max_detections"] = thresholds.max_detections
    fields["least"] = by_class.min()
    fields["least_logit"] = _least_logit(float(by_class.min()))
    view(block, _LIMITS.itemsize, np.float32, (len(labels),))[:] = by_class
    return block


def _least_logit(score: float) -> float:
    """A logit below all those whose sigmoid, rounded to float32, reaches the score."""
    below = score * (1 - 1e-6)
    return math.log(below / (1 - below)) - 1e-3 if below else -math.inf
