"""What instance masks are painted on: the pixels of the image, or the cells that hold it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from trt_perception.decode.mask_grid import MaskAxis, mask_axes
from trt_perception.model.model_spec import MaskSize
from trt_perception.preprocess.image_transform import ImageTransform

_TILES = ((32, 64), (32, 32), (32, 8), (16, 8), (8, 8), (4, 4), (2, 2), (1, 1))
"""Width and height of what one block paints, largest first."""
_BLOCK_ROWS = 8
"""Rows of threads in a block: lower tiles leave some idle."""
_MANY_TILES = 256
"""Blocks that keep a large GPU busy."""
_MOST_CELLS = 8 * 1024
"""Cells of one tile: 32 KiB of shared memory, besides what a block has anyway."""


class Tile(NamedTuple):
    """What one block paints.

    Args:
        width: Pixels.
        height: Pixels.
        cells: Most cells between which the pixels of one tile lie.
    """

    width: int
    height: int
    cells: int


@dataclass(frozen=True, kw_only=True)
class InstanceCanvas:
    """A canvas, the rectangle of it that the network saw, and the way of boxes onto it.

    Args:
        width: Pixels.
        height: Pixels.
        crop: x, y, width, height of the part that the network saw.
        axes: Rows and columns of the crop among the prototypes' cells.
        edges: How a box's x become pixels of the crop: (x - origin) / scale + offset, then times cells, less start;
            then the same for y.
    """

    width: int
    height: int
    crop: tuple[int, int, int, int]
    axes: tuple[MaskAxis, MaskAxis]
    edges: tuple[float, ...]

    @staticmethod
    def of(
        transform: ImageTransform, network: tuple[int, int], grid: tuple[int, int], size: MaskSize
    ) -> InstanceCanvas:
        """The canvas for images of that transform.

        Args:
            transform: Where the image lies in the network's input.
            network: Height and width of the network's input.
            grid: Height and width of the prototypes.
            size: Of the mask.
        """
        rows, columns = mask_axes(transform, network, grid)
        origin = transform.crop[:2]
        if size is MaskSize.CAMERA:
            return InstanceCanvas(
                width=transform.image_width,
                height=transform.image_height,
                crop=transform.crop,
                axes=(rows, columns),
                edges=(float(origin[0]), 1.0, 0.0, 1.0, 0.0, float(origin[1]), 1.0, 0.0, 1.0, 0.0),
            )
        inside = columns.inside(), rows.inside()
        ways = zip(origin, transform.scale, transform.network_region, (columns, rows), inside, strict=False)
        width, height = (part.stop - part.start for part in inside)
        return InstanceCanvas(
            width=width,
            height=height,
            crop=(0, 0, width, height),
            axes=(_cells_of(rows, inside[1]), _cells_of(columns, inside[0])),
            edges=tuple(
                float(number)
                for first, scale, offset, axis, part in ways
                for number in (first, scale, offset, axis.cells / axis.network_px, part.start)
            ),
        )

    def between(self, axis: MaskAxis) -> tuple[int, int]:
        """The first and the last cell that hold some of the image."""
        return axis.region[0] * axis.cells // axis.network_px, (axis.region[1] * axis.cells - 1) // axis.network_px

    def tile(self) -> Tile:
        """The largest tile whose cells fit into a block's shared memory, if many are needed; one pixel always fits."""
        for width, height in _TILES:
            rows = _most_cells(self.axes[0], self.crop[1], height)
            cells = rows * _most_cells(self.axes[1], self.crop[0], width)
            tiles = -(-self.width // width) * -(-self.height // height)
            if cells <= _MOST_CELLS and (tiles >= _MANY_TILES or height <= _BLOCK_ROWS):
                break
        return Tile(width, height, cells)


def _cells_of(axis: MaskAxis, part: slice) -> MaskAxis:
    """The axis on which a pixel is a cell of that part."""
    return MaskAxis(
        cells=axis.cells, network_px=axis.cells, region=(part.start, part.stop), crop_px=part.stop - part.start
    )


def _most_cells(axis: MaskAxis, offset: int, pixels: int) -> int:
    """Cells of the tile with most of them, from the first to the last between which its pixels lie.

    Args:
        axis: The axis.
        offset: Where the crop begins on the canvas, where tiles are counted from.
        pixels: Pixels of a tile.
    """
    low, high, _ = axis.bilinear()
    first = np.maximum(np.arange(-(offset % pixels), axis.crop_px, pixels), 0)
    last = np.minimum(np.append(first[1:], axis.crop_px), axis.crop_px) - 1
    return int((high[last] - low[first]).max()) + 1
