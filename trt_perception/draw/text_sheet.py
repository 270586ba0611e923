"""Texts rendered once, so that tags can be composed where there is no OpenCV."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from trt_perception.draw.tag import TextStyle

TEXT = np.dtype([(name, np.int32) for name in ("offset", "width", "advance", "height", "baseline")])
"""One text; draw.cu says the same to the kernels."""


@dataclass(frozen=True, kw_only=True)
class TextSheet:
    """Coverage of texts by ink, all of one height.

    Args:
        texts: TEXT (n,): first byte in `alpha`, bytes a row, and what `TextStyle.extent` says.
        alpha: uint8 (m,): rows of each text, 0 to 255; behind each other.
        rows: Rows of every text.
        ascent: The row in which letters stand on the line.
        margin: Columns before the point where a text begins, and behind its width.
    """

    texts: NDArray[np.void] = field(repr=False)
    alpha: NDArray[np.uint8] = field(repr=False)
    rows: int
    ascent: int
    margin: int

    @staticmethod
    def of(texts: Sequence[str], style: TextStyle) -> TextSheet:
        """Render texts; one that is there twice is rendered once."""
        extents = [style.extent(text) for text in texts]
        margin = 2 * style.thickness + 2
        ascent = max(height for _, height, _ in extents) + margin
        rows = ascent + max(baseline for _, _, baseline in extents) + margin
        table = np.zeros(len(texts), TEXT)
        images: list[NDArray[np.uint8]] = []
        known: dict[str, int] = {}
        end = 0
        for index, (text, (advance, height, baseline)) in enumerate(zip(texts, extents, strict=True)):
            width = advance + 2 * margin
            if text not in known:
                image = np.zeros((rows, width, 3), np.uint8)
                style.write(image, text, (margin, ascent), (255, 255, 255))
                images.append(image[:, :, 0].ravel())
                known[text] = end
                end += rows * width
            table[index] = (known[text], width, advance, height, baseline)
        return TextSheet(texts=table, alpha=np.concatenate(images), rows=rows, ascent=ascent, margin=margin)
