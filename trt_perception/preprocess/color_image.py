"""A raw frame as a BGR image."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from trt_perception.frame import Frame
from trt_perception.preprocess.pixel_view import BGR, pixel_view

_TO_BGR = {1: cv2.COLOR_GRAY2BGR, 3: cv2.COLOR_RGB2BGR, 4: cv2.COLOR_RGBA2BGR}


def color_image(frame: Frame) -> NDArray[np.uint8]:
    """The frame as BGR: uint8 (h, w, 3).

    For bgr8 a view of the frame's data (read-only where that is), otherwise a new array. `pixel_view` says how each
    encoding is converted.

    Raises:
        FrameError: The encoding cannot have this size.
    """
    pixels, order = pixel_view(frame)
    channels = pixels.shape[2] if pixels.ndim == 3 else 1
    if order == BGR:
        return pixels if channels == 3 else np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGRA2BGR), np.uint8)
    return np.asarray(cv2.cvtColor(pixels, _TO_BGR[channels]), np.uint8)
