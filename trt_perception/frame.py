"""One camera image on its way from topic to result."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from trt_perception.encoding import Encoding
from trt_perception.errors import DropReason, FrameError

MAX_SIDE_PX = 16384
"""Largest width or height that is believed. A header that claims more allocates nothing."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Frame:
    """One raw image, its pixels still in the encoding and row pitch in which they came.

    Args:
        camera: Name of the camera in the config.
        stamp_ns: Stamp of the source image's header, nanoseconds. Never changed on the way.
        frame_id: Coordinate frame of the source image's header. Never changed on the way.
        encoding: How `data` is to be read.
        width: Pixels in a row.
        height: Rows of pixels.
        step: Bytes from one row to the next, padding included; at least width x bytes per pixel.
        data: uint8 (n,), n >= step x rows of the encoding. A view: valid as long as the message it came from.

    Raises:
        FrameError: The fields contradict each other (bad_size, short_data).
    """

    camera: str
    stamp_ns: int
    frame_id: str
    encoding: Encoding
    width: int
    height: int
    step: int
    data: NDArray[np.uint8] = field(repr=False)

    def __post_init__(self) -> None:
        if not (0 < self.width <= MAX_SIDE_PX and 0 < self.height <= MAX_SIDE_PX):
            raise FrameError(
                DropReason.BAD_SIZE,
                f"image is {self.width} x {self.height}, expected sides from 1 to {MAX_SIDE_PX} px",
            )
        row_bytes = self.encoding.row_bytes(self.width)
        if self.step < row_bytes:
            raise FrameError(
                DropReason.BAD_SIZE,
                f"step is {self.step}, a row of {self.width} px in {self.encoding.value} needs {row_bytes} bytes",
            )
        needed = self.step * (self.row_count - 1) + row_bytes
        if self.data.size < needed:
            raise FrameError(
                DropReason.SHORT_DATA,
                f"{self.data.size} bytes of pixels, {self.row_count} rows of step {self.step} need {needed}",
            )

    @property
    def row_count(self) -> int:
        """Rows of `step` bytes, the chroma plane's included."""
        return self.encoding.row_count(self.height)


@dataclass(frozen=True, kw_only=True, eq=False)
class EncodedFrame:
    """One compressed image (JPEG, PNG), not decoded yet.

    Args:
        camera: Name of the camera in the config.
        stamp_ns: Stamp of the source image's header, nanoseconds.
        frame_id: Coordinate frame of the source image's header.
        format: The message's format field, e.g. ``jpeg`` or ``bgr8; jpeg compressed bgr8``; informative only.
        data: uint8 (n,), the file's bytes. A view: valid as long as the message it came from.
    """

    camera: str
    stamp_ns: int
    frame_id: str
    format: str
    data: NDArray[np.uint8] = field(repr=False)
