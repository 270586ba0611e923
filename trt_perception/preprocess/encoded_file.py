"""A compressed image file as a frame."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from trt_perception.errors import InputError
from trt_perception.frame import EncodedFrame
from trt_perception.options.limited_file import read_limited

MAX_BYTES = 2**30
"""Twice what the most pixels that are decoded take as they are, in four channels of 16 bits."""


def read_encoded(path: Path, *, camera: str = "", stamp_ns: int = 0) -> EncodedFrame:
    """Read a JPEG or PNG file without decoding it.

    Raises:
        InputError: The file cannot be read, or is larger than any image that is decoded.
    """
    try:
        data = np.frombuffer(read_limited(path, limit=MAX_BYTES), np.uint8)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}; check path and permissions") from error
    suffix = path.suffix.lower().lstrip(".")
    return EncodedFrame(
        camera=camera, stamp_ns=stamp_ns, frame_id="", format="jpeg" if suffix == "jpg" else suffix, data=data
    )
