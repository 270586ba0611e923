"""Which object each pixel belongs to, from mask coefficients and the prototypes that they mix."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from trt_perception.decode.mask_grid import MaskAxis
from trt_perception.errors import DropReason, FrameError

Span = tuple[int, int]
"""First pixel, and one after the last."""


def paint_pixels(
    canvas: NDArray[np.uint8],
    boxes: NDArray[np.floating],
    coefficients: NDArray[np.float32],
    prototypes: NDArray[np.float32],
    axes: tuple[MaskAxis, MaskAxis],
) -> None:
    """Number the pixels of each object: inside its box, where its mask interpolated at the pixel's centre is above 0.

    A mask is its coefficients times the prototypes; above 0 is sigmoid above 0.5. Interpolating before the decision
    keeps outlines smooth. At the image's border its last cells are repeated: those of the padding have no say.

    Args:
        canvas: uint8 (rows, columns), the crop, zeros: gets i + 1 for object i; the first of several wins.
        boxes: (n, 4), x1 y1 x2 y2 in pixels of the crop.
        coefficients: (n, k).
        prototypes: (k, h, w).
        axes: The crop's rows among the h, its columns among the w.

    Raises:
        FrameError: inference_failed: a mask is not finite.
    """
    upper, lower, down = _between(axes[0])
    left, right, across = _between(axes[1])
    for index, (rows, columns) in _spans(boxes, canvas.shape):
        first_row, first_column = upper[rows[0]], left[columns[0]]
        window = prototypes[:, first_row : lower[rows[1] - 1] + 1, first_column : right[columns[1] - 1] + 1]
        cells = _mixed(coefficients[index], window)
        part, pixels = slice(*rows), slice(*columns)
        west = cells[:, left[pixels] - first_column]
        wide = west + across[pixels] * (cells[:, right[pixels] - first_column] - west)
        top = wide[upper[part] - first_row]
        values = top + down[part, None] * (wide[lower[part] - first_row] - top)
        canvas[part, pixels][values > 0] = index + 1


def paint_cells(
    canvas: NDArray[np.uint8],
    boxes: NDArray[np.floating],
    coefficients: NDArray[np.float32],
    prototypes: NDArray[np.float32],
) -> None:
    """Number the cells of each object: inside its box, where its mask is above 0.

    Args:
        canvas: uint8 (h, w), zeros: gets i + 1 for object i; the first of several wins.
        boxes: (n, 4), x1 y1 x2 y2 in cells.
        coefficients: (n, k).
        prototypes: (k, h, w).

    Raises:
        FrameError: inference_failed: a mask is not finite.
    """
    for index, (rows, columns) in _spans(boxes, canvas.shape):
        part = slice(*rows), slice(*columns)
        canvas[part][_mixed(coefficients[index], prototypes[(slice(None), *part)]) > 0] = index + 1


def _between(axis: MaskAxis) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float32]]:
    """As `MaskAxis.bilinear`, among the cells that hold some of the image."""
    low, high, weight = axis.bilinear()
    first = axis.region[0] * axis.cells // axis.network_px
    last = (axis.region[1] * axis.cells - 1) // axis.network_px
    return np.clip(low, first, last), np.clip(high, first, last), weight


def _mixed(coefficients: NDArray[np.float32], prototypes: NDArray[np.float32]) -> NDArray[np.float32]:
    """The mask of one object: (k,), (k, h, w) -> (h, w)."""
    with np.errstate(over="ignore", invalid="ignore"):  # it is said by name below
        mask = np.asarray(np.tensordot(coefficients, prototypes, axes=1), np.float32)
    if not np.isfinite(mask).all():
        raise FrameError(DropReason.INFERENCE_FAILED, "an object's mask coefficients times the prototypes overflow")
    return mask


def _spans(boxes: NDArray[np.floating], shape: tuple[int, ...]) -> Iterator[tuple[int, tuple[Span, Span]]]:
    """Rows and columns in each box, of boxes that hold any; the last object first.

    Pixel i is in where start <= i < end, as Ultralytics cuts its masks (utils/ops.py, crop_mask).
    """
    limits = np.array((shape[1], shape[0], shape[1], shape[0]))
    edges = np.clip(np.ceil(boxes), 0, limits).astype(np.intp)
    for index in reversed(range(len(edges))):
        x1, y1, x2, y2 = edges[index].tolist()
        if x1 < x2 and y1 < y2:
            yield index, ((y1, y2), (x1, x2))
