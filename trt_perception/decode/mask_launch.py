"""What the kernels of all masks are launched with."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from trt_perception.decode.element_type import ELEMENT_TYPES
from trt_perception.decode.head_kernels import view
from trt_perception.decode.mask_grid import MaskAxis
from trt_perception.frame import MAX_SIDE_PX
from trt_perception.kernel_call import KernelSource, Size
from trt_perception.model.model_spec import TensorType

AXES_BYTES = 2 * MAX_SIDE_PX * 16
"""Room for the table of the axes, which the kernels fill: 16 bytes a row and a column of the largest image."""

THREADS: Size = (256, 1, 1)
"""A block of the kernels that look at each cell once."""
PIXEL_THREADS: Size = (32, 8, 1)
"""A block of the kernels that make pixels: 32 columns; each thread makes pixels below each other."""
_PIXEL_ROWS = 64


class MaskPlace(NamedTuple):
    """Where a head's mask lies in its block of results.

    Args:
        offset: Bytes from the block's start.
        height: Rows of the mask.
        width: Pixels in a row, one byte each, without padding.
    """

    offset: int
    height: int
    width: int

    @property
    def nbytes(self) -> int:
        """Size of the mask."""
        return self.height * self.width

    def read(self, result: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The mask: uint8 (height, width), a part of the block.

        Args:
            result: The head's block of results.
        """
        return view(result, self.offset, np.uint8, (self.height, self.width))


def mask_sources(
    file: str, functions: tuple[str, str], define: str, dtype: TensorType
) -> tuple[KernelSource, KernelSource]:
    """The kernels of one head for its cells and for pixels, in that order.

    Args:
        file: Relative to the package.
        functions: Their names.
        define: What the element type is called in it.
        dtype: Of the output.
    """
    cells, pixels = (
        KernelSource(file=file, function=function, defines=((define, ELEMENT_TYPES[dtype]),)) for function in functions
    )
    return cells, pixels


def axis_arguments(axis: MaskAxis | None) -> tuple[np.int32, ...]:
    """An axis as the kernels take it; None is one without pixels, of which no table is made."""
    if axis is None:
        return (np.int32(1), np.int32(1), np.int32(0), np.int32(1), np.int32(0))
    return tuple(np.int32(n) for n in (axis.cells, axis.network_px, *axis.region, axis.crop_px))


def blocks_of(threads: int, per_block: int = THREADS[0]) -> int:
    """Blocks that hold at least so many threads."""
    return -(-threads // per_block)


def pixel_grid(width: int, height: int) -> Size:
    """Blocks of PIXEL_THREADS that cover an image."""
    return (blocks_of(width, PIXEL_THREADS[0]), blocks_of(height, _PIXEL_ROWS), 1)
