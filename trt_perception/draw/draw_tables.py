"""What the drawing kernels look up: colours, mixtures, the shape of outlines' corners, and texts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from trt_perception.decode.head_kernels import aligned
from trt_perception.draw.annotate import is_background, line_width
from trt_perception.draw.palette import class_colour, text_colour
from trt_perception.draw.tag import TextStyle
from trt_perception.draw.text_sheet import TextSheet
from trt_perception.model.model_spec import HeadSpec, ModelSpec

_SCORES = tuple(f"{hundredths / 100:.2f}" for hundredths in range(101))
_TINTED, _SHOWN, _WHITE_TEXT = 1, 2, 4
"""What draw.cu knows of a class besides its colour."""


@dataclass(frozen=True, kw_only=True)
class DrawTables:
    """Tables for images of one size in one block of memory. Places are bytes from its start.

    Args:
        block: uint8 (n,).
        blend: Place of uint8 (256, 256): the mixture of a colour and a pixel.
        cap: Place of uint8 (2 reach + 1, 2 reach + 1): not 0 on the disc around an outline's corner.
        reach: How far an outline reaches to both sides of its line, px.
        alpha: Place of the texts' coverage; `sheet` says how it is laid out.
        scores: Place of the entries of 0.00 to 1.00 in `sheet.texts`.
        labels: Place of the entries of each head's labels, by the head's name.
        styles: Place of each head's uint8 (256 or more, 4): blue, green, red and flags of a class.
        sheet: The texts.
    """

    block: NDArray[np.uint8] = field(repr=False)
    blend: int
    cap: int
    reach: int
    alpha: int
    scores: int
    labels: Mapping[str, int]
    styles: Mapping[str, int]
    sheet: TextSheet

    @staticmethod
    def of(spec: ModelSpec, size: int, *, opacity: float, left_out: Mapping[str, frozenset[int]]) -> DrawTables:
        """The tables of one model.

        Args:
            spec: The model, with the labels that are shown.
            size: Longer side of the images, px.
            opacity: How much of a mask's colour covers the image, 0 to 1.
            left_out: Classes that are not drawn, by head.
        """
        parts = _Parts()
        labels = [f"{label} " for head in spec.heads for label in head.labels]
        sheet = TextSheet.of((*_SCORES, *labels), TextStyle.of(size))
        scores = parts.add(sheet.texts)
        numbers = np.cumsum([len(_SCORES), *(len(head.labels) for head in spec.heads)]).tolist()
        cap = _cap(line_width(size))
        return DrawTables(
            blend=parts.add(_blend_table(opacity)),
            cap=parts.add(cap),
            reach=len(cap) // 2,
            alpha=parts.add(sheet.alpha),
            scores=scores,
            labels={
                head.name: scores + number * sheet.texts.itemsize
                for head, number in zip(spec.heads, numbers, strict=False)
            },
            styles={
                head.name: parts.add(_class_styles(head, left_out.get(head.name, frozenset()))) for head in spec.heads
            },
            sheet=sheet,
            block=parts.block(),
        )


class _Parts:
    """Arrays behind each other in one block, each at an aligned place."""

    def __init__(self) -> None:
        self._parts: list[NDArray[np.uint8]] = []
        self._nbytes = 0

    def add(self, array: NDArray[Any]) -> int:
        """Append a copy of an array; its place."""
        place = self._nbytes
        part = np.zeros(aligned(array.nbytes), np.uint8)
        part[: array.nbytes] = np.frombuffer(array.tobytes(), np.uint8)
        self._parts.append(part)
        self._nbytes += part.nbytes
        return place

    def block(self) -> NDArray[np.uint8]:
        """All of them."""
        return np.concatenate(self._parts)


def _blend_table(opacity: float) -> NDArray[np.uint8]:
    """uint8 (256, 256), by colour and pixel: OpenCV's own mixture, whose rounding depends on its instructions."""
    pixels = np.tile(np.arange(256, dtype=np.uint8), (256, 1))
    return np.asarray(cv2.addWeighted(pixels, 1.0 - opacity, np.ascontiguousarray(pixels.T), opacity, 0.0), np.uint8)


def _cap(line: int) -> NDArray[np.uint8]:
    """What OpenCV draws around the end of a line of that width: uint8 (2 r + 1, 2 r + 1)."""
    canvas = np.zeros((4 * line + 5, 4 * line + 5), np.uint8)
    middle = 2 * line + 2
    cv2.line(canvas, (middle, middle), (middle, middle), 255, line)
    rows = np.flatnonzero(canvas.any(axis=1))
    return np.ascontiguousarray(canvas[rows[0] : rows[-1] + 1, rows[0] : rows[-1] + 1])


def _class_styles(head: HeadSpec, left_out: frozenset[int]) -> NDArray[np.uint8]:
    """uint8 (n, 4): blue, green, red, flags of each class, and of every value that a mask may have."""
    styles = np.zeros((max(256, len(head.labels)), 4), np.uint8)
    for class_id, style in enumerate(styles):
        colour = class_colour(class_id)
        is_shown = class_id < len(head.labels) and class_id not in left_out
        is_tinted = is_shown and (head.kind.has_instances or not is_background(head.labels[class_id]))
        is_light = text_colour(colour) == (255, 255, 255)
        style[:] = (*colour, _TINTED * is_tinted | _SHOWN * is_shown | _WHITE_TEXT * is_light)
    return styles
