"""Which class every pixel was given against which it has."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from trt_perception.segmentation_mask import UNLABELLED


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
        for name, mask in (("predicted", predicted), ("truth", truth)):
            if bool(((mask >= self.class_count) & (mask != UNLABELLED)).any()):
                raise ValueError(
                    f"ConfusionMatrix.add: {name} has ids that are neither below {self.class_count} nor 255"
                )
        counted = truth != UNLABELLED
        column = np.where(predicted == UNLABELLED, self.class_count, predicted)[counted]
        cell = truth[counted].astype(np.int64) * (self.class_count + 1) + column
        self.counts += np.bincount(cell, minlength=self.counts.size).reshape(self.counts.shape)

    def merge(self, other: ConfusionMatrix) -> None:
        """Add another matrix's counts."""
        self.counts += other.counts

    def iou(self) -> list[float | None]:
        """Intersection over union of each class; None where neither side has a pixel of it."""
        square = self.counts[:, : self.class_count]
        hit = np.diag(square)
        union = self.counts.sum(axis=1) + square.sum(axis=0) - hit
        return [float(h / u) if u else None for h, u in zip(hit, union, strict=True)]
