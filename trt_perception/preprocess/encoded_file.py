"""A compressed image file as a frame."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from trt_perception.errors import InputError
from trt_perception.frame import EncodedFrame


def read_encoded(path: Path, *, camera: str = "", stamp_ns: int = 0) -> EncodedFrame:
    """Read a JPEG or PNG file without decoding it.

    Raises:
        InputError: The file cannot be read.
    """
    try:
        data = np.frombuffer(path.read_bytes(), np.uint8)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}; check path and permissions") from error
    suffix = path.suffix.lower().lstrip(".")
    return EncodedFrame(
        camera=camera, stamp_ns=stamp_ns, frame_id="", format="jpeg" if suffix == "jpg" else suffix, data=data
    )
