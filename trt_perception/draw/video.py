"""An H.264 video that browsers play, written through ffmpeg."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from trt_perception.errors import InputError, MissingError

QUALITY = 6
"""imageio-ffmpeg's scale from 0 to 10; 5 is its default, 6 keeps the text of boxes readable."""


def write_video(path: Path, images: Iterable[NDArray[np.uint8]], *, fps: float) -> int:
    """Write images of one size as an mp4 and return how many there were.

    Args:
        path: The file, replaced where it exists.
        images: uint8 (h, w, 3), BGR; cut by up to one pixel a side, because H.264 wants even sizes.
        fps: Images a second.

    Raises:
        MissingError: imageio-ffmpeg is not installed.
        InputError: There are no images.
    """
    try:
        import imageio_ffmpeg
    except ImportError as error:
        raise MissingError("imageio-ffmpeg is not installed", "pip install 'trt_perception[report]'") from error
    writer = None
    count = 0
    try:
        for image in images:
            even = image[: image.shape[0] & ~1, : image.shape[1] & ~1]
            if writer is None:
                size = (even.shape[1], even.shape[0])
                writer = imageio_ffmpeg.write_frames(
                    str(path),
                    size,
                    fps=fps,
                    codec="libx264",
                    quality=QUALITY,
                    macro_block_size=2,
                    ffmpeg_log_level="error",
                )
                writer.send(None)
            writer.send(np.ascontiguousarray(cv2.cvtColor(even, cv2.COLOR_BGR2RGB)))
            count += 1
    finally:
        if writer is not None:
            writer.close()
    if not count:
        raise InputError(f"{path}: expected at least one image for a video, got none")
    return count
