"""The objects found in one image, with the pixels of each."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from trt_perception.detections import Detections

MAX_INSTANCES = 255
"""Objects of one image that an instance mask can number: one byte a pixel, and 0 is none."""


@dataclass(frozen=True, kw_only=True, eq=False)
class InstanceDetections(Detections):
    """At most 255 objects in one image, and which of them each pixel belongs to.

    Where the masks of two objects overlap, a pixel belongs to the one with the better score.

    Args:
        instance_ids: uint8 (h, w): i is the i-th detection, counted from 1; 0 is none. The size is the received
            image's or the network's, as the head's `mask_size` says.

    Raises:
        ValueError: Shapes or dtypes do not fit together, or there are more than 255 detections.
    """

    instance_ids: NDArray[np.uint8] = field(repr=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.instance_ids.ndim != 2 or self.instance_ids.dtype != np.uint8:
            raise ValueError(
                "InstanceDetections: instance_ids must be uint8 (h, w), got "
                f"{self.instance_ids.dtype} {self.instance_ids.shape}"
            )
        if len(self) > MAX_INSTANCES:
            raise ValueError(f"InstanceDetections: expected at most {MAX_INSTANCES} detections, got {len(self)}")

    def select(self, index: NDArray[np.bool_] | NDArray[np.intp]) -> InstanceDetections:
        """The detections that a mask or a list of positions picks, numbered anew; pixels of the others become 0."""
        kept = np.arange(len(self))[index]
        numbers = np.zeros(256, np.uint8)
        numbers[kept + 1] = np.arange(1, len(kept) + 1)
        return InstanceDetections(
            boxes=self.boxes[index],
            scores=self.scores[index],
            class_ids=self.class_ids[index],
            instance_ids=numbers[self.instance_ids],
        )
