"""A filled label at a box."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from trt_perception.draw.palette import BgrColour, text_colour

_FONT = cv2.FONT_HERSHEY_SIMPLEX


def draw_tag(image: NDArray[np.uint8], text: str, corner: tuple[int, int], colour: BgrColour, size: int) -> None:
    """Write a label above a box, or inside it where there is no room above.

    Args:
        image: uint8 (h, w, 3), BGR; drawn into.
        text: The label.
        corner: Top left corner of the box, px.
        colour: Of the box; the text is black or white on it.
        size: Longer side of the image, px: letters grow with it.
    """
    scale = max(0.4, size / 2200)
    thickness = max(1, round(scale * 1.6))
    (width, height), baseline = cv2.getTextSize(text, _FONT, scale, thickness)
    x = max(0, min(corner[0], image.shape[1] - width))
    bottom = corner[1] if corner[1] >= height + baseline else corner[1] + height + baseline
    cv2.rectangle(image, (x, bottom - height - baseline), (x + width, bottom), colour, cv2.FILLED)
    cv2.putText(image, text, (x, bottom - baseline // 2 - 1), _FONT, scale, text_colour(colour), thickness, cv2.LINE_AA)
