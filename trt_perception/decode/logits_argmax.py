"""The class of every image pixel from logits at a coarser resolution."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from trt_perception.decode.mask_grid import MaskAxis

_BAND_ROWS = 64
"""Image rows made at once: one class's logits of them stay in the cache."""


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
    left, right, weight = columns.bilinear()
    wide = logits[:, :, left] + weight * (logits[:, :, right] - logits[:, :, left])
    result = np.empty((len(rows.centres), len(columns.centres)), np.uint8)
    above, below, _ = rows.bilinear()
    blend = _blend_matrix(rows)
    for start in range(0, len(result), _BAND_ROWS):
        end = min(start + _BAND_ROWS, len(result))
        cells = slice(above[start], below[end - 1] + 1)
        _band_argmax(wide[:, cells], blend[start:end, cells], result[start:end])
    return result


def _blend_matrix(rows: MaskAxis) -> NDArray[np.float32]:
    """float32 (pixels, cells): the weights of the two rows of cells that each row of pixels lies between."""
    above, below, weight = rows.bilinear()
    matrix = np.zeros((len(above), rows.cells), np.float32)
    pixel = np.arange(len(above))
    matrix[pixel, above] = 1 - weight
    matrix[pixel, below] += weight
    return matrix


def _band_argmax(wide: NDArray[np.float32], blend: NDArray[np.float32], result: NDArray[np.uint8]) -> None:
    best: Any = blend @ wide[0]
    if len(wide) == 1:
        np.greater(best, 0.0, out=result.view(np.bool_))
        return
    result[:] = 0
    for class_id in range(1, len(wide)):
        logit = blend @ wide[class_id]
        # Ids rise, so the larger id is the later winner.
        won = cv2.compare(logit, best, cv2.CMP_GT) & np.uint8(class_id)
        cv2.max(result, won, dst=result)
        cv2.max(best, logit, dst=best)
