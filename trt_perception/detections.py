"""The objects found in one image."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True, eq=False)
class Detections:
    """n objects in one image, best score first, ties in the order of the model's candidates.

    Args:
        boxes: float32 (n, 4), x1 y1 x2 y2 in pixels of the image as received, clamped to it.
        scores: float32 (n,), 0 to 1.
        class_ids: int32 (n,), index into the head's labels.

    Raises:
        ValueError: Shapes or dtypes do not fit together.
    """

    boxes: NDArray[np.float32] = field(repr=False)
    scores: NDArray[np.float32]
    class_ids: NDArray[np.int32]

    def __post_init__(self) -> None:
        count = len(self.scores)
        for name, array, dtype, shape in (
            ("boxes", self.boxes, np.float32, (count, 4)),
            ("scores", self.scores, np.float32, (count,)),
            ("class_ids", self.class_ids, np.int32, (count,)),
        ):
            if array.shape != shape or array.dtype != dtype:
                raise ValueError(
                    f"Detections: {name} must be {np.dtype(dtype).name} {shape}, got {array.dtype} {array.shape}"
                )

    def __len__(self) -> int:
        return len(self.scores)

    def select(self, index: NDArray[np.bool_] | NDArray[np.intp]) -> Detections:
        """The detections that a mask or a list of positions picks, in that order."""
        return Detections(boxes=self.boxes[index], scores=self.scores[index], class_ids=self.class_ids[index])

    @staticmethod
    def empty() -> Detections:
        """No objects: looked, saw nothing."""
        return Detections(
            boxes=np.zeros((0, 4), np.float32), scores=np.zeros(0, np.float32), class_ids=np.zeros(0, np.int32)
        )
