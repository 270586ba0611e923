"""What is really in one image."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True, eq=False)
class ImageTruth:
    """Ground-truth objects of one image.

    Args:
        boxes: float32 (n, 4), x1 y1 x2 y2 in px.
        class_ids: int32 (n,).
        ignored: bool (n,). An ignored object is neither missed when not found, nor is a detection on it false.

    Raises:
        ValueError: Shapes do not fit together.
    """

    boxes: NDArray[np.float32] = field(repr=False)
    class_ids: NDArray[np.int32]
    ignored: NDArray[np.bool_]

    def __post_init__(self) -> None:
        count = len(self.class_ids)
        for name, shape, expected in (
            ("boxes", self.boxes.shape, (count, 4)),
            ("class_ids", self.class_ids.shape, (count,)),
            ("ignored", self.ignored.shape, (count,)),
        ):
            if shape != expected:
                raise ValueError(f"ImageTruth: {name} must have shape {expected}, got {shape}")
