"""The class of every image pixel from logits at a coarser resolution."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from trt_perception.decode.mask_grid import MaskAxis


def logits_argmax(logits: NDArray[np.float32], rows: MaskAxis, columns: MaskAxis) -> NDArray[np.uint8]:
    """Interpolate the logits bilinearly at each pixel's centre; the largest wins, equal ones go to the first class.

    Interpolating before the decision keeps borders between classes smooth, where deciding first would leave steps
    of one cell. With one class its logit decides between class 0 and class 1 (above 0, that is, sigmoid above 0.5).

    Args:
        logits: (classes, h, w).
        rows: The image's rows among the h.
        columns: The image's columns among the w.

    Returns:
        uint8 (rows, columns): class ids of the crop.
    """
    cells = largest(logits)
    result = cells[:, columns.nearest()][rows.nearest()]
    # A class that is the largest in all four cells around a pixel is the largest in any mixture of them: only
    # pixels between cells that differ, a few percent of a picture, have to be interpolated.
    mixed = _mixed(cells)
    left, right, across = columns.bilinear()
    above, below, down = rows.bilinear()
    for first, end in _runs(above):
        upper, lower = above[first], below[first]
        where = np.flatnonzero(mixed[upper, left])
        if not where.size:
            continue
        ends = logits[:, (upper, lower)]
        west = ends[:, :, left[where]]
        both = west + across[where] * (ends[:, :, right[where]] - west)
        top, bottom = both[:, 0, None], both[:, 1, None]
        result[first:end, where] = largest(top + down[first:end, None] * (bottom - top))
    return result


def largest(logits: NDArray[np.floating]) -> NDArray[np.uint8]:
    """The class with the largest logit, the first of equal ones: (classes, h, w) -> uint8 (h, w).

    One class alone decides between 0 and 1.
    """
    if len(logits) == 1:
        return np.asarray(logits[0] > 0, np.uint8)
    return np.asarray(logits.argmax(axis=0), np.uint8)


def _mixed(cells: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Whether a cell, its right, its lower and its lower right neighbour differ; border cells are repeated."""
    padded = np.pad(cells, ((0, 1), (0, 1)), mode="edge")
    return np.asarray(
        (padded[1:, :-1] != cells) | (padded[:-1, 1:] != cells) | (padded[1:, 1:] != cells),
        np.bool_,
    )


def _runs(values: NDArray[np.intp]) -> list[tuple[int, int]]:
    """First and one-after-last position of each run of equal values."""
    borders = np.flatnonzero(np.diff(values)) + 1
    return list(zip([0, *borders.tolist()], [*borders.tolist(), len(values)], strict=True))
