"""Boxes of DETR and its successors, as fractions of the network's input, in its pixels."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from trt_perception.model.model_spec import InputSpec


def network_corners(fractions: NDArray[Any], network: InputSpec) -> NDArray[np.float32]:
    """Corners in network pixels.

    Args:
        fractions: (n, 4): centre x, centre y, width, height, 1 being the network's width or height.
        network: The input, for its size.

    Returns:
        float32 (n, 4): x1 y1 x2 y2.
    """
    boxes = fractions.astype(np.float64)  # in it, sums and products of any float32 are finite
    half = boxes[:, 2:] / 2
    corners = np.concatenate((boxes[:, :2] - half, boxes[:, :2] + half), axis=1)
    corners *= np.array((network.width, network.height) * 2)
    limit = np.finfo(np.float32).max
    return np.clip(corners, -limit, limit).astype(np.float32)
