"""Which cells of a head's output an image's pixels fall into."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trt_perception.preprocess.image_transform import ImageTransform


@dataclass(frozen=True, kw_only=True, eq=False)
class MaskAxis:
    """One axis: the output's cells against the pixels of the crop.

    Args:
        centres: float64 (pixels,), the position of each crop pixel's centre in cells; cell i covers i to i + 1.
        first: First cell whose centre lies in the image; of an image without one, the cell that it lies in.
        end: One after the last such cell.
        cells: Cells of the output along this axis, padding included.
    """

    centres: NDArray[np.float64]
    first: int
    end: int
    cells: int

    @staticmethod
    def of(*, cells: int, network_px: int, region: tuple[int, int], crop_px: int) -> MaskAxis:
        """The axis of an output of `cells` over a network of `network_px`, in which the crop fills `region`."""
        per_px = cells / network_px
        start, stop = region
        pixels = (np.arange(crop_px) + 0.5) * ((stop - start) / crop_px) + start
        first, end = math.ceil(start * per_px - 0.5), math.ceil(stop * per_px - 0.5)
        if first == end:
            first = math.floor((start + stop) / 2 * per_px)
            end = first + 1
        return MaskAxis(
            centres=np.asarray(pixels * per_px, np.float64),
            first=first,
            end=end,
            cells=cells,
        )

    def nearest(self) -> NDArray[np.intp]:
        """The cell that each pixel's centre lies in."""
        return np.minimum(self.centres.astype(np.intp), self.cells - 1)

    def bilinear(self) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float32]]:
        """The cells on both sides of each pixel's centre, and the weight of the second; border cells are repeated."""
        position = np.clip(self.centres - 0.5, 0.0, self.cells - 1)
        low = position.astype(np.intp)
        return low, np.minimum(low + 1, self.cells - 1), (position - low).astype(np.float32)


def mask_axes(transform: ImageTransform, network: tuple[int, int], grid: tuple[int, int]) -> tuple[MaskAxis, MaskAxis]:
    """Rows and columns of a head's output.

    Args:
        transform: Where the image lies in the network's input.
        network: Height and width of the network's input.
        grid: Height and width of the output.
    """
    x0, y0, x1, y1 = transform.region
    _, _, width, height = transform.crop
    return (
        MaskAxis.of(cells=grid[0], network_px=network[0], region=(y0, y1), crop_px=height),
        MaskAxis.of(cells=grid[1], network_px=network[1], region=(x0, x1), crop_px=width),
    )
