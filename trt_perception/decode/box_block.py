"""Where boxes lie in the block of memory in which the GPU leaves them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trt_perception.decode.head_kernels import aligned, view
from trt_perception.detections import Detections

HEADER = np.dtype(
    {
        "names": ["count", "not_finite", "bad_boxes", "has_foreign", "foreign", "declared"],
        "formats": [np.int32, (np.uint32, (2,)), np.uint32, np.uint32, np.uint64, np.int64],
        "offsets": [0, 4, 12, 16, 24, 32],
        "itemsize": 256,
    }
)
"""First bytes of the block; `BoxHeader` of box_memory.cuh says the same to the kernels.

count: boxes in the block, 0 where anything is wrong. not_finite: values of the first and second checked output that
are NaN or infinite. bad_boxes: 1 if a candidate's box is not finite. has_foreign: 1 if a class number does not exist;
foreign: the first such number as it lies in its tensor, low bytes first. declared: number of boxes that the model
itself gives, of families that do.
"""


@dataclass(frozen=True, kw_only=True)
class BoxBlock:
    """Layout of one block: header, then arrays of which the first `count` rows mean anything.

    Other kernels find the boxes of a frame by these offsets, in bytes from the block's start.

    Args:
        capacity: Most boxes that it can hold.
    """

    capacity: int

    @property
    def count(self) -> int:
        """int32: number of boxes; 0 too where the outputs cannot be used."""
        return 0

    @property
    def boxes(self) -> int:
        """float32 (capacity, 4): x1 y1 x2 y2 in pixels of the image as received, best score first."""
        return HEADER.itemsize

    @property
    def scores(self) -> int:
        """float32 (capacity,)."""
        return self.boxes + aligned(16 * self.capacity)

    @property
    def class_ids(self) -> int:
        """int32 (capacity,)."""
        return self.scores + aligned(4 * self.capacity)

    @property
    def positions(self) -> int:
        """int32 (capacity,): each box's place among the output's candidates, e.g. its column of a YOLOv8 output."""
        return self.class_ids + aligned(4 * self.capacity)

    @property
    def nbytes(self) -> int:
        """Size of the block."""
        return self.positions + aligned(4 * self.capacity)

    def header(self, block: NDArray[np.uint8]) -> np.void:
        """The header's fields.

        Args:
            block: uint8 (nbytes,).
        """
        header: np.void = view(block, 0, HEADER, (1,))[0]
        return header

    def detections(self, block: NDArray[np.uint8]) -> Detections:
        """The boxes, copied.

        Args:
            block: uint8 (nbytes,).
        """
        count = int(self.header(block)["count"])
        return Detections(
            boxes=view(block, self.boxes, np.float32, (count, 4)).copy(),
            scores=view(block, self.scores, np.float32, (count,)).copy(),
            class_ids=view(block, self.class_ids, np.int32, (count,)).copy(),
        )
