"""Many images on one sheet."""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np
from numpy.typing import NDArray

_FONT = cv2.FONT_HERSHEY_SIMPLEX
_BACKGROUND = 24
_TITLE_PX = 28
_GAP_PX = 6


def contact_sheet(
    images: Mapping[str, NDArray[np.uint8]], columns: int, *, cell_width: int = 640, cell_height: int | None = None
) -> NDArray[np.uint8]:
    """The images in rows of `columns`, in their order, each under its name and fitted into a cell of equal size.

    Args:
        images: uint8 (h, w, 3), BGR, by name.
        columns: Images in a row.
        cell_width: Of one image, px.
        cell_height: Of one image, px. Default: as the first image's shape asks.

    Returns:
        uint8 (h, w, 3), BGR.

    Raises:
        ValueError: No images, or fewer than one column.
    """
    if not images or columns < 1:
        raise ValueError(f"contact_sheet: expected images and at least 1 column, got {len(images)} and {columns}")
    first = next(iter(images.values()))
    height = cell_height or max(1, round(cell_width * first.shape[0] / first.shape[1]))
    across = min(columns, len(images))
    down = -(-len(images) // across)
    step_x, step_y = cell_width + _GAP_PX, height + _TITLE_PX + _GAP_PX
    sheet = np.full((down * step_y + _GAP_PX, across * step_x + _GAP_PX, 3), _BACKGROUND, np.uint8)
    for index, (name, image) in enumerate(images.items()):
        x = _GAP_PX + index % across * step_x
        y = _GAP_PX + index // across * step_y
        cv2.putText(sheet, name, (x + 2, y + _TITLE_PX - 9), _FONT, 0.6, (235, 235, 235), 1, cv2.LINE_AA)
        _place(sheet[y + _TITLE_PX : y + _TITLE_PX + height, x : x + cell_width], image)
    return sheet


def _place(cell: NDArray[np.uint8], image: NDArray[np.uint8]) -> None:
    """Fit the image into the cell, centred, its aspect ratio kept."""
    scale = min(cell.shape[1] / image.shape[1], cell.shape[0] / image.shape[0])
    width, height = max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale))
    x, y = (cell.shape[1] - width) // 2, (cell.shape[0] - height) // 2
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    cell[y : y + height, x : x + width] = cv2.resize(image, (width, height), interpolation=method)
