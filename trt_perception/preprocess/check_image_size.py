"""Whether an image of an encoding can have a size."""

from __future__ import annotations

from trt_perception.encoding import Encoding
from trt_perception.errors import DropReason, FrameError

SMALLEST_BAYER_PX = 4
"""Shortest side of a Bayer image: below it there are no neighbours to interpolate from."""


def check_image_size(encoding: Encoding, width: int, height: int) -> None:
    """Refuse sizes that the encoding cannot have.

    Raises:
        FrameError: bad_size for a packed YUV image of odd width or a Bayer image under 4 px.
    """
    if encoding in (Encoding.UYVY, Encoding.YUYV) and width % 2:
        raise FrameError(
            DropReason.BAD_SIZE,
            f"image is {width} px wide, {encoding.value} shares its colours between pairs of pixels "
            "and needs an even width",
        )
    if encoding.is_bayer and min(width, height) < SMALLEST_BAYER_PX:
        raise FrameError(
            DropReason.BAD_SIZE,
            f"image is {width} x {height}, {encoding.value} needs sides of {SMALLEST_BAYER_PX} px",
        )
