"""Boxes of three kinds that can be told apart without colours: right, missed, false."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import cv2
import numpy as np
from numpy.typing import NDArray

from trt_perception.draw.palette import BgrColour
from trt_perception.draw.tag import draw_tag

_DASH_PX = 8


class BoxMark(str, Enum):
    """What a box is."""

    RIGHT = "right"
    """A thin line."""
    MISSED = "missed"
    """A dashed line."""
    FALSE = "false"
    """A thick line."""


# Okabe and Ito's bluish green, orange and vermilion: told apart by the colour-blind, too.
_COLOURS: dict[BoxMark, BgrColour] = {
    BoxMark.RIGHT: (115, 158, 0),
    BoxMark.MISSED: (0, 159, 230),
    BoxMark.FALSE: (0, 94, 213),
}


@dataclass(frozen=True, kw_only=True)
class MarkedBox:
    """One box of a picture.

    Args:
        box: x1 y1 x2 y2 in px of the picture before it is scaled.
        mark: What it is.
        text: Its label; empty for none.
    """

    box: tuple[float, float, float, float]
    mark: BoxMark
    text: str


def draw_marked_boxes(image: NDArray[np.uint8], boxes: Sequence[MarkedBox], *, width: int) -> NDArray[np.uint8]:
    """The image scaled to at most `width`, with the boxes; missed and false ones on top.

    Args:
        image: uint8 (h, w, 3), BGR.
        boxes: In px of `image`.
        width: Of the picture, px.

    Returns:
        uint8 (h, w, 3), BGR, a copy.
    """
    factor = min(1.0, width / image.shape[1])
    size = (max(1, round(image.shape[1] * factor)), max(1, round(image.shape[0] * factor)))
    picture = np.array(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
    for box in sorted(boxes, key=lambda box: list(BoxMark).index(box.mark)):
        x1, y1, x2, y2 = (round(side * factor) for side in box.box)
        colour = _COLOURS[box.mark]
        if box.mark is BoxMark.MISSED:
            _dashed(picture, (x1, y1, x2, y2), colour)
        else:
            cv2.rectangle(picture, (x1, y1), (x2, y2), colour, 3 if box.mark is BoxMark.FALSE else 1)
        if box.text:
            draw_tag(picture, (box.text,), (x1, y1), colour, max(size))
    return picture


def _dashed(image: NDArray[np.uint8], box: tuple[int, int, int, int], colour: BgrColour) -> None:
    x1, y1, x2, y2 = box
    for x in range(x1, x2, 2 * _DASH_PX):
        for y in (y1, y2):
            cv2.line(image, (x, y), (min(x + _DASH_PX, x2), y), colour, 2)
    for y in range(y1, y2, 2 * _DASH_PX):
        for x in (x1, x2):
            cv2.line(image, (x, y), (x, min(y + _DASH_PX, y2)), colour, 2)
