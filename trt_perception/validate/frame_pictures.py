"""Pictures of frames, read again from their bags."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from trt_perception.bag.bag_reader import BagReader
from trt_perception.draw.marked_boxes import draw_marked_boxes
from trt_perception.errors import BagError, FrameError
from trt_perception.frame import EncodedFrame
from trt_perception.preprocess.color_image import color_image
from trt_perception.preprocess.decode_image import decode_image
from trt_perception.validate.worst_frames import WorstFrame

WIDTH_PX = 640
JPEG_QUALITY = 72
MAX_BYTES = 4_000_000
"""Of all pictures of a page together: one that opens at once, and can be sent by mail."""


@dataclass(frozen=True, kw_only=True)
class FramePicture:
    """One picture: the frame, and a JPEG file of it; None where it could not be had, with the reason."""

    frame: WorstFrame
    jpeg: bytes | None = field(repr=False)
    problem: str = ""


def frame_pictures(
    frames: Sequence[WorstFrame],
    bags: Mapping[str, Path],
    topics: Mapping[tuple[str, str], str],
    *,
    max_bytes: int = MAX_BYTES,
) -> tuple[FramePicture, ...]:
    """Draw the frames; those that would exceed `max_bytes` in all are left out.

    Args:
        frames: Which, and what to draw into them.
        bags: Path by name of the bag.
        topics: Image topic by bag and camera.
        max_bytes: Of all pictures together.
    """
    pictures = []
    total = 0
    for frame in frames:
        picture = _picture(frame, bags.get(frame.bag), topics[frame.bag, frame.camera])
        total += len(picture.jpeg or b"")
        if total > max_bytes:
            break
        pictures.append(picture)
    return tuple(pictures)


def _picture(frame: WorstFrame, bag: Path | None, topic: str) -> FramePicture:
    if bag is None:
        return FramePicture(frame=frame, jpeg=None, problem=f"bag {frame.bag} is not at hand")
    try:
        image = _image(bag, frame, topic)
    except (BagError, FrameError) as error:
        return FramePicture(frame=frame, jpeg=None, problem=str(error))
    if image is None:
        return FramePicture(frame=frame, jpeg=None, problem=f"bag {frame.bag} no longer has this frame")
    drawn = draw_marked_boxes(image, frame.boxes, width=WIDTH_PX)
    done, data = cv2.imencode(".jpg", drawn, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    return FramePicture(frame=frame, jpeg=data.tobytes() if done else None, problem="" if done else "not encoded")


def _image(bag: Path, frame: WorstFrame, topic: str) -> NDArray[np.uint8] | None:
    """uint8 (h, w, 3), BGR."""
    found = BagReader(bag).images({frame.camera: topic}, start_ns=frame.log_time_ns, stop_ns=frame.log_time_ns + 1)
    for image in found:
        if frame.stamp_ns is None or image.stamp_ns == frame.stamp_ns:
            raw = image.frame()
            return color_image(decode_image(raw) if isinstance(raw, EncodedFrame) else raw)
    return None
