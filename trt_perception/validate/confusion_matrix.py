"""Which class every pixel was given against which it has."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from trt_perception.segmentation_mask import UNLABELLED

_PIXELS_AT_ONCE = 1 << 24
"""Of a mask; OpenCV gives counts as float32, which is exact up to here."""


class ConfusionMatrix:
    """Counts of pixels by true and predicted class, added up over images and over runs.

    Args:
        class_count: Classes, ids 0 to class_count - 1. Pixels whose true class is 255 do not count; a predicted 255
            is a miss of the true class.
    """

    def __init__(self, class_count: int) -> None:
        self.class_count = class_count
        self.counts: NDArray[np.int64] = np.zeros((class_count, class_count + 1), np.int64)
        """int64 (true class, predicted class); the last column is "no class"."""

    def add(self, predicted: NDArray[np.uint8], truth: NDArray[np.uint8]) -> None:
        """Count one image: both uint8 (h, w).

        Raises:
            ValueError: Sizes differ, or an id is neither a class nor 255.
        """
        if predicted.shape != truth.shape:
            raise ValueError(f"ConfusionMatrix.add: masks differ in size, {predicted.shape} and {truth.shape}")
        table = _joint_counts(truth, predicted)
        known = min(self.class_count, UNLABELLED)
        for name, counts in (("predicted", table.T), ("truth", table)):
            if counts[known:UNLABELLED].any():
                raise ValueError(
                    f"ConfusionMatrix.add: {name} has ids that are neither below {self.class_count} nor 255"
                )
        self.counts[:known, :known] += table[:known, :known]
        self.counts[:known, self.class_count] += table[:known, UNLABELLED]

    def merge(self, other: ConfusionMatrix) -> None:
        """Add another matrix's counts."""
        self.counts += other.counts

    def iou(self) -> list[float | None]:
        """Intersection over union of each class; None where neither side has a pixel of it."""
        square = self.counts[:, : self.class_count]
        hit = np.diag(square)
        union = self.counts.sum(axis=1) + square.sum(axis=0) - hit
        return [float(h / u) if u else None for h, u in zip(hit, union, strict=True)]


def _joint_counts(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> NDArray[np.int64]:
    """int64 (256, 256): pixels by their value in one mask and in the other."""
    table: NDArray[np.int64] = np.zeros((256, 256), np.int64)
    flat = np.ascontiguousarray(one).reshape(-1), np.ascontiguousarray(other).reshape(-1)
    for start in range(0, one.size, _PIXELS_AT_ONCE):
        parts = [mask[start : start + _PIXELS_AT_ONCE] for mask in flat]
        table += cv2.calcHist(parts, [0, 1], None, [256, 256], [0, 256, 0, 256]).astype(np.int64)
    return table
