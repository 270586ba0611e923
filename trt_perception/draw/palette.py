"""Colours of classes: easy to tell apart, the same on every run."""

from __future__ import annotations

import colorsys

GOLDEN_RATIO = 0.6180339887498949

_EQUAL_CONTRAST = (1.05 * 0.05) ** 0.5 - 0.05
"""Luminance from which black and white stand out equally."""

BgrColour = tuple[int, int, int]


def class_colour(class_id: int) -> BgrColour:
    """Blue, green, red of a class, 0 to 255: neighbouring ids lie far apart on the colour circle."""
    hue = (0.58 + class_id * GOLDEN_RATIO) % 1.0
    # Every third class is darker and every second paler, so that hues that come close again still differ.
    red, green, blue = colorsys.hsv_to_rgb(hue, (0.9, 0.65)[class_id % 2], (1.0, 0.95, 0.8)[class_id % 3])
    return round(255 * blue), round(255 * green), round(255 * red)


def text_colour(background: BgrColour) -> BgrColour:
    """Black or white, whichever stands out more from that background by relative luminance (WCAG 2)."""
    blue, green, red = ((value / 255) ** 2.2 for value in background)
    luminance = 0.0722 * blue + 0.7152 * green + 0.2126 * red
    return (0, 0, 0) if luminance > _EQUAL_CONTRAST else (255, 255, 255)
