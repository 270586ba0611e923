"""sensor_msgs/msg/CompressedImage: header, format and the bytes of a JPEG or PNG file."""

from __future__ import annotations

import struct

import numpy as np
from numpy.typing import NDArray

from trt_perception.cdr.header_bytes import message_start
from trt_perception.cdr.stamp import join_stamp
from trt_perception.cdr.wire import CDR_LE, malformed, padding, read_text, refuse_representation, text_bytes
from trt_perception.frame import EncodedFrame

COMPRESSED_IMAGE_TYPE = "sensor_msgs/msg/CompressedImage"

_START = struct.Struct("<HxxiII")  # representation, sec, nanosec, length of frame_id
_LENGTH = struct.Struct("<I")


def parse_compressed_image(data: bytes | memoryview, camera: str) -> EncodedFrame:
    """Reads a CompressedImage message; the file's bytes stay where they are.

    Raises:
        FrameError: malformed (not a CompressedImage message, or cut off) or big_endian.
    """
    try:
        representation, sec, nanosec, frame_id_size = _START.unpack_from(data)
        if representation != CDR_LE:
            raise refuse_representation(COMPRESSED_IMAGE_TYPE, data)
        offset = (16 + frame_id_size + 3) & ~3
        (format_size,) = _LENGTH.unpack_from(data, offset)
        format_start = offset + 4
        offset = (format_start + format_size + 3) & ~3
        (size,) = _LENGTH.unpack_from(data, offset)
    except struct.error:
        problem = f"{len(data)} bytes end before the image, the message is cut off"
        raise malformed(COMPRESSED_IMAGE_TYPE, problem) from None
    offset += 4
    if size > len(data) - offset:
        raise malformed(COMPRESSED_IMAGE_TYPE, f"data of {size} bytes announced, {len(data) - offset} follow")
    return EncodedFrame(
        camera=camera,
        stamp_ns=join_stamp(sec, nanosec),
        frame_id=read_text(COMPRESSED_IMAGE_TYPE, data, 16, frame_id_size),
        format=read_text(COMPRESSED_IMAGE_TYPE, data, format_start, format_size),
        data=np.frombuffer(data, np.uint8, size, offset),
    )


def encode_compressed_image(
    data: bytes | memoryview | NDArray[np.uint8],
    *,
    stamp_ns: int,
    frame_id: str,
    format: str,  # noqa: A002 (the message's name for it)
) -> bytes:
    """A CompressedImage message around the bytes of a JPEG or PNG file.

    Args:
        data: The file's bytes; an array as uint8 (n,).
        stamp_ns: Stamp of the header, nanoseconds.
        frame_id: Coordinate frame of the header.
        format: What the format field says, e.g. ``jpeg`` or ``bgr8; jpeg compressed bgr8``.

    Raises:
        ValueError: The stamp does not fit a Time message.
    """
    text = text_bytes(format)
    start = message_start(stamp_ns, frame_id)
    file = data.data if isinstance(data, np.ndarray) else memoryview(data)
    return b"".join((start, _LENGTH.pack(len(text)), text, padding(len(text), 4), _LENGTH.pack(file.nbytes), file))
