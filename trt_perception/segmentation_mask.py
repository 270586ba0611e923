"""The class of every pixel of one image."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

UNLABELLED = 255
"""Class id of pixels that the model did not see (outside the crop) or gave no class."""


@dataclass(frozen=True, kw_only=True, eq=False)
class SegmentationMask:
    """Class ids of one image's pixels.

    Args:
        class_ids: uint8 (h, w), index into the head's labels, 255 = unlabelled. The size is the received image's
            or the network's, as the head's `mask_size` says.

    Raises:
        ValueError: Not a two-dimensional uint8 array.
    """

    class_ids: NDArray[np.uint8] = field(repr=False)

    def __post_init__(self) -> None:
        if self.class_ids.ndim != 2 or self.class_ids.dtype != np.uint8:
            raise ValueError(
                f"SegmentationMask: class_ids must be uint8 (h, w), got {self.class_ids.dtype} {self.class_ids.shape}"
            )
