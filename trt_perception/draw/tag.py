"""A filled label at a box."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from trt_perception.draw.palette import BgrColour, text_colour

_FONT = cv2.FONT_HERSHEY_SIMPLEX


class TextStyle(NamedTuple):
    """How large and how bold letters are."""

    scale: float
    thickness: int

    @staticmethod
    def of(size: int) -> TextStyle:
        """The style for an image whose longer side has so many pixels: letters grow with it."""
        scale = max(0.4, size / 2200)
        return TextStyle(scale, max(1, round(scale * 1.6)))

    def extent(self, text: str) -> tuple[int, int, int]:
        """Width, height above the line that letters stand on, and depth below it, px."""
        (width, height), baseline = cv2.getTextSize(text, _FONT, self.scale, self.thickness)
        return int(width), int(height), int(baseline)

    def write(self, image: NDArray[np.uint8], text: str, start: tuple[int, int], colour: BgrColour) -> None:
        """Write into the image, from a point on the line that letters stand on."""
        cv2.putText(image, text, start, _FONT, self.scale, colour, self.thickness, cv2.LINE_AA)


def draw_tag(
    image: NDArray[np.uint8], texts: tuple[str, ...], corner: tuple[int, int], colour: BgrColour, size: int
) -> None:
    """Write a label above a box, or inside it where there is no room above.

    Args:
        image: uint8 (h, w, 3), BGR; drawn into.
        texts: The label, in parts that each begin at a whole pixel: so the same parts look the same in every tag.
        corner: Top left corner of the box, px.
        colour: Of the box; the text is black or white on it.
        size: Longer side of the image, px: letters grow with it.
    """
    style = TextStyle.of(size)
    widths, heights, baselines = zip(*(style.extent(text) for text in texts), strict=True)
    width, baseline = sum(widths), max(baselines)
    height = max(heights) + baseline
    x = max(0, min(corner[0], image.shape[1] - width))
    bottom = corner[1] if corner[1] >= height else corner[1] + height
    cv2.rectangle(image, (x, bottom - height), (x + width, bottom), colour, cv2.FILLED)
    for text, advance in zip(texts, widths, strict=True):
        style.write(image, text, (x, bottom - baseline // 2 - 1), text_colour(colour))
        x += advance
