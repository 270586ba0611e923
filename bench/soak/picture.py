"""Images that are sent, and what the model finds in each."""

from __future__ import annotations

import struct
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from rclpy.serialization import serialize_message
from sensor_msgs.msg import CompressedImage, Image

from trt_perception.cdr.compressed_image_message import parse_compressed_image
from trt_perception.cdr.detection_array import DetectionArrayEncoder
from trt_perception.cdr.detection_array_message import decode_detection_array
from trt_perception.cdr.image_message import frame_from_image, parse_image
from trt_perception.detections import Detections
from trt_perception.runtime.pipeline import Pipeline

_STAMP = struct.Struct("<iI")
_STAMP_OFFSET = 4  # behind the encapsulation

FRAME_ID = "camera_optical"

Answer = tuple[tuple[str, float, float, float, float, float], ...]
"""Class, score, centre x y, width and height of each detection."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Picture:
    """One image message.

    Args:
        message: The message, its stamp zero.
        expected: What the model finds in it; None where it is not to be answered.
        is_readable: Whether its stamp can be read.
    """

    message: bytes
    expected: Answer | None = None
    is_readable: bool = True

    def at(self, stamp_ns: int) -> bytes:
        """The message with a stamp."""
        message = bytearray(self.message)
        if self.is_readable:
            _STAMP.pack_into(message, _STAMP_OFFSET, *divmod(stamp_ns, 1_000_000_000))
        return bytes(message)


def read_answer(data: bytes) -> tuple[int, str, Answer]:
    """Stamp, frame and detections of a Detection2DArray. A detection whose header is another's spoils the frame."""
    array = decode_detection_array(data)
    rows = []
    frame_id = array.frame_id
    for found in array.detections:
        (result,) = found.results
        rows.append((result.class_id, result.score, found.center_x, found.center_y, found.size_x, found.size_y))
        if (found.stamp_ns, found.frame_id) != (array.stamp_ns, array.frame_id):
            frame_id = f"{found.frame_id} at {found.stamp_ns}"
    return array.stamp_ns, frame_id, tuple(rows)


class PictureMaker:
    """Makes pictures, and computes what is to be found in them by a pipeline of its own.

    Args:
        pipeline: The node's model and thresholds.
        compressed: Whether the camera sends JPEG.
    """

    def __init__(self, pipeline: Pipeline, *, compressed: bool) -> None:
        self._pipeline = pipeline
        self._compressed = compressed
        (head,) = pipeline.spec.heads
        self._head = head.name
        self._encoder = DetectionArrayEncoder(head.labels)

    def noise(self, width: int, height: int, *, seed: int, encoding: str = "bgr8") -> Picture:
        """Spots of colour, the same for the same seed."""
        random = np.random.default_rng(seed)
        shape = (max(2, height // 40), max(2, width // 40), *((3,) if encoding != "mono8" else ()))
        spots = random.integers(0, 255, shape, np.uint8)
        pixels = cv2.resize(spots, (width, height), interpolation=cv2.INTER_LINEAR)
        return self._answered(self._message(np.asarray(pixels, np.uint8), encoding))

    def grey(self, width: int, height: int, value: int, *, is_answered: bool = False) -> Picture:
        """One value everywhere, which the soak's model takes for an order."""
        message = self._message(np.full((height, width, 3), value, np.uint8), "bgr8")
        return self._answered(message) if is_answered else Picture(message=message)

    def _message(self, pixels: NDArray[np.uint8], encoding: str) -> bytes:
        message: Image | CompressedImage
        if self._compressed:
            ending, parameters = ".jpg", [cv2.IMWRITE_JPEG_QUALITY, 95]
            message = CompressedImage(format="jpeg", data=bytes(cv2.imencode(ending, pixels, parameters)[1]))
        else:
            height, width = pixels.shape[:2]
            message = Image(height=height, width=width, encoding=encoding, step=pixels.strides[0])
            message.data = pixels.tobytes()
        message.header.frame_id = FRAME_ID
        return bytes(serialize_message(message))

    def _answered(self, message: bytes) -> Picture:
        frame = parse_compressed_image(message, "") if self._compressed else frame_from_image(parse_image(message), "")
        found = self._pipeline.process([frame]).heads[self._head]
        if not isinstance(found, Detections):
            raise TypeError(f"expected a head of boxes, got {type(found).__name__}")
        expected = read_answer(self._encoder.encode(found, stamp_ns=0, frame_id=FRAME_ID))[2]
        return Picture(message=message, expected=expected)
