"""What is known of an image that may be chosen."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np

from trt_perception.errors import DropReason, FrameError
from trt_perception.frame import EncodedFrame, Frame
from trt_perception.preprocess.color_image import color_image

BRIGHTNESS_BANDS = (("dark", 50.0), ("dim", 90.0), ("normal", 170.0), ("bright", 256.0))
"""Name of each band and the brightness at which it ends, darkest first."""

_EVERY_PX = 4
_LUMA = np.array([0.114, 0.587, 0.299])
"""Weights of blue, green and red: ITU-R BT.601."""


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """One image that was looked at and can be used.

    Args:
        source: Number of its source.
        camera: Name of the camera.
        ordinal: Its number among the camera's images in that source.
        time_ns: Its time, nanoseconds.
        brightness: Mean luma, 0 to 255.
        condition: Word of the condition; empty where unknown.
        digest: sha256 of its content, hexadecimal.
    """

    source: int
    camera: str
    ordinal: int
    time_ns: int
    brightness: float
    condition: str
    digest: str

    @property
    def band(self) -> str:
        """Name of its brightness band."""
        return next(name for name, end in BRIGHTNESS_BANDS if self.brightness < end)

    @property
    def key(self) -> tuple[int, str, int]:
        """Where it is found again."""
        return self.source, self.camera, self.ordinal


def content_digest(frame: Frame | EncodedFrame) -> str:
    """sha256 of the pixels and how they lie, or of a compressed image's bytes, hexadecimal."""
    layout = ""
    if isinstance(frame, Frame):
        layout = f"{frame.encoding.value} {frame.width} {frame.height} {frame.step}"
    return hashlib.sha256(layout.encode() + b"\n" + np.ascontiguousarray(frame.data).data).hexdigest()


def brightness(frame: Frame) -> float:
    """Mean luma of every fourth pixel of every fourth row, 0 to 255.

    Raises:
        FrameError: corrupt_image: every pixel is the same, as of a covered or failed camera; or the encoding cannot
            have this size.
    """
    image = color_image(frame)
    if (image == image[0, 0]).all():
        raise FrameError(DropReason.CORRUPT_IMAGE, f"constant image: every pixel is {image[0, 0].tolist()}")
    return float(image[::_EVERY_PX, ::_EVERY_PX].reshape(-1, 3).mean(axis=0) @ _LUMA)
