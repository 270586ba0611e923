"""sensor_msgs/msg/Image: the fields in front of the pixels, and the pixels where they lie."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trt_perception.cdr.header_bytes import message_start
from trt_perception.cdr.stamp import join_stamp
from trt_perception.cdr.wire import CDR_LE, malformed, padding, read_text, refuse_representation, text_bytes
from trt_perception.encoding import Encoding, parse_encoding
from trt_perception.errors import DropReason, FrameError
from trt_perception.frame import Frame

IMAGE_TYPE = "sensor_msgs/msg/Image"

_START = struct.Struct("<HxxiII")  # representation, sec, nanosec, length of frame_id
_SIZE = struct.Struct("<III")  # height, width, length of encoding
_PITCH = struct.Struct("<II")  # step, length of data


@dataclass(frozen=True, eq=False)
class ImageMessage:
    """One Image message, as it came: nothing is checked beyond what is needed to find the fields.

    Args:
        stamp_ns: Stamp of the header, nanoseconds.
        frame_id: Coordinate frame of the header.
        height: Rows of pixels.
        width: Pixels in a row.
        encoding: Name of the pixel encoding, known here or not.
        is_bigendian: Whether values of more than one byte are big endian.
        step: Bytes from one row to the next.
        data: uint8 (n,), a view into the message: valid as long as its bytes are.
    """

    stamp_ns: int
    frame_id: str
    height: int
    width: int
    encoding: str
    is_bigendian: bool
    step: int
    data: NDArray[np.uint8] = field(repr=False)


def parse_image(data: bytes | memoryview) -> ImageMessage:
    """Reads an Image message; the pixels are not touched.

    Raises:
        FrameError: malformed (not an Image message, or cut off) or big_endian (the CDR itself).
    """
    try:
        representation, sec, nanosec, frame_id_size = _START.unpack_from(data)
        if representation != CDR_LE:
            raise refuse_representation(IMAGE_TYPE, data)
        offset = (16 + frame_id_size + 3) & ~3
        height, width, encoding_size = _SIZE.unpack_from(data, offset)
        encoding_start = offset + 12
        flag = encoding_start + encoding_size
        is_bigendian = data[flag] != 0
        offset = (flag + 4) & ~3
        step, size = _PITCH.unpack_from(data, offset)
    except (struct.error, IndexError):
        raise malformed(IMAGE_TYPE, f"{len(data)} bytes end before the pixels, the message is cut off") from None
    offset += 8
    if size > len(data) - offset:
        raise malformed(IMAGE_TYPE, f"data of {size} bytes announced, {len(data) - offset} follow")
    return ImageMessage(
        join_stamp(sec, nanosec),
        read_text(IMAGE_TYPE, data, 16, frame_id_size),
        height,
        width,
        read_text(IMAGE_TYPE, data, encoding_start, encoding_size),
        is_bigendian,
        step,
        np.frombuffer(data, np.uint8, size, offset),
    )


def frame_from_image(message: ImageMessage, camera: str) -> Frame:
    """The frame of a camera that an Image message holds; its pixels stay where they are.

    Raises:
        FrameError: unknown_encoding, big_endian (pixels of two bytes), bad_size or short_data.
    """
    encoding = parse_encoding(message.encoding)
    if encoding is None:
        known = ", ".join(member.value for member in Encoding)
        raise FrameError(DropReason.UNKNOWN_ENCODING, f"{message.encoding!r}; converted here: {known}")
    if message.is_bigendian and encoding is Encoding.MONO16:
        raise FrameError(DropReason.BIG_ENDIAN, f"big-endian {encoding.value} pixels, only little endian is read")
    return Frame(
        camera=camera,
        stamp_ns=message.stamp_ns,
        frame_id=message.frame_id,
        encoding=encoding,
        width=message.width,
        height=message.height,
        step=message.step,
        data=message.data,
    )


def encode_image(image: NDArray[Any], *, stamp_ns: int, frame_id: str, encoding: str) -> bytes:
    """An Image message, its pixels copied once.

    Args:
        image: uint8 (h, w) or (h, w, c), uint16 (h, w) for mono16; nv12 and nv21 as uint8 (h + ceil(h / 2), w).
        stamp_ns: Stamp of the header, nanoseconds.
        frame_id: Coordinate frame of the header.
        encoding: Pixel encoding, an `Encoding` or any other name that ROS knows.

    Raises:
        ValueError: Shape or dtype do not fit the encoding, or the stamp does not fit a Time message.
    """
    height, width = _image_size(encoding, image)
    text = text_bytes(encoding)
    image = np.ascontiguousarray(image, dtype=image.dtype.newbyteorder("<"))
    start = message_start(stamp_ns, frame_id)
    size = _SIZE.pack(height, width, len(text))
    flag = len(text) + 1
    pitch = _PITCH.pack(image.nbytes // max(1, image.shape[0]), image.nbytes)
    return b"".join((start, size, text, b"\x00", padding(flag, 4), pitch, image.data))


def _image_size(name: str, image: NDArray[Any]) -> tuple[int, int]:
    """Height and width in pixels of an array of that encoding."""
    if image.ndim not in (2, 3):
        raise ValueError(f"encode_image: image must have shape (h, w) or (h, w, c), got {image.shape}")
    rows, width = image.shape[:2]
    encoding = parse_encoding(name)
    if encoding is None:
        return rows, width
    pixel_bytes = image.dtype.itemsize * (image.shape[2] if image.ndim == 3 else 1)
    dtype = np.uint16 if encoding is Encoding.MONO16 else np.uint8
    if image.dtype != dtype or pixel_bytes != encoding.bytes_per_pixel:
        raise ValueError(
            f"encode_image: {encoding.value} needs {np.dtype(dtype).name}, {encoding.bytes_per_pixel} bytes a pixel; "
            f"got {image.dtype} {image.shape}"
        )
    return (rows * 2 // 3 if encoding.is_semi_planar else rows), width
