"""Which cells of a head's output an image's pixels fall into."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trt_perception.preprocess.image_transform import ImageTransform


@dataclass(frozen=True, kw_only=True)
class MaskAxis:
    """One axis: the output's cells against the pixels of the crop.

    Cell i covers i to i + 1. Positions are fractions of whole numbers, so that a pixel whose centre lies exactly
    between two cells falls into the second on every machine.

    Args:
        cells: Cells of the output, padding included.
        network_px: Pixels of the network's input.
        region: Where the crop lies among those: first, and one after the last.
        crop_px: Pixels of the crop.
    """

    cells: int
    network_px: int
    region: tuple[int, int]
    crop_px: int

    def nearest(self) -> NDArray[np.intp]:
        """The cell that each pixel's centre lies in: (crop_px,)."""
        position, unit = self._centres()
        return np.asarray(position // unit, np.intp)

    def bilinear(self) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float32]]:
        """The cells whose centres each pixel's centre lies between, and the weight of the second: (crop_px,) each.

        At the border the last cell is repeated.
        """
        position, unit = self._centres()
        from_centre = np.clip(position - unit // 2, 0, (self.cells - 1) * unit)
        low, rest = np.divmod(from_centre, unit)
        return (
            np.asarray(low, np.intp),
            np.asarray(np.minimum(low + 1, self.cells - 1), np.intp),
            np.asarray(rest / unit, np.float32),
        )

    def inside(self) -> slice:
        """The cells whose centres lie in the image; of an image without one, the cell that it lies in."""
        start, stop = self.region
        unit = 2 * self.network_px
        # Cell i's centre lies at (2 i + 1) / (2 cells) of the network's pixels.
        first = -(-(2 * start * self.cells - self.network_px) // unit)
        end = -(-(2 * stop * self.cells - self.network_px) // unit)
        if first == end:
            first = (start + stop) * self.cells // unit
            end = first + 1
        return slice(first, end)

    def _centres(self) -> tuple[NDArray[np.int64], int]:
        """Position of each pixel's centre among the cells, and the unit in which it is counted, which is even."""
        start, stop = self.region
        pixel = np.arange(self.crop_px, dtype=np.int64)
        network = (2 * pixel + 1) * (stop - start) + 2 * self.crop_px * start
        return network * self.cells, 2 * self.crop_px * self.network_px


def mask_axes(transform: ImageTransform, network: tuple[int, int], grid: tuple[int, int]) -> tuple[MaskAxis, MaskAxis]:
    """Rows and columns of a head's output.

    Args:
        transform: Where the image lies in the network's input.
        network: Height and width of the network's input.
        grid: Height and width of the output.
    """
    x0, y0, x1, y1 = transform.network_region
    _, _, width, height = transform.crop
    return (
        MaskAxis(cells=grid[0], network_px=network[0], region=(y0, y1), crop_px=height),
        MaskAxis(cells=grid[1], network_px=network[1], region=(x0, x1), crop_px=width),
    )
