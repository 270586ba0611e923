"""The objects that are really in one image, as bags and COCO files carry them."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True, eq=False)
class TrueObjects:
    """n objects of one image.

    Args:
        boxes: float32 (n, 4), x1 y1 x2 y2 in px.
        labels: n class names.
        track_ids: n names of tracks, empty where there are none.
        visible_fraction: float32 (n,), the share of the object that nothing covers.
        truncation: float32 (n,), the share of the object outside the image.
        ignored: bool (n,). An ignored object is neither missed when not found, nor is a detection on it false.

    Raises:
        ValueError: Shapes or dtypes do not fit together.
    """

    boxes: NDArray[np.float32] = field(repr=False)
    labels: tuple[str, ...]
    track_ids: tuple[str, ...]
    visible_fraction: NDArray[np.float32]
    truncation: NDArray[np.float32]
    ignored: NDArray[np.bool_]

    def __post_init__(self) -> None:
        count = len(self.labels)
        if len(self.track_ids) != count:
            raise ValueError(f"TrueObjects: track_ids must have {count} entries, got {len(self.track_ids)}")
        for name, array, dtype, shape in (
            ("boxes", self.boxes, np.float32, (count, 4)),
            ("visible_fraction", self.visible_fraction, np.float32, (count,)),
            ("truncation", self.truncation, np.float32, (count,)),
            ("ignored", self.ignored, np.bool_, (count,)),
        ):
            if array.shape != shape or array.dtype != dtype:
                raise ValueError(
                    f"TrueObjects: {name} must be {np.dtype(dtype).name} {shape}, got {array.dtype} {array.shape}"
                )

    def __len__(self) -> int:
        return len(self.labels)
