"""Where the payload of an image message begins, so that a copy of it can be laid on an aligned address."""

from __future__ import annotations

import struct

_U32 = struct.Struct("<I")


def payload_offset(message: bytes | memoryview, *, compressed: bool) -> int:
    """Bytes in front of the pixels of sensor_msgs/Image, or of the file in CompressedImage; little-endian CDR.

    Returns:
        The offset; 0 where the message is cut off or another one. The judgement of it is the node's.
    """
    try:
        (length,) = _U32.unpack_from(message, 12)
        offset = _align(16 + length)
        if compressed:
            (length,) = _U32.unpack_from(message, offset)
            offset = _align(offset + 4 + length) + 4
        else:
            (length,) = _U32.unpack_from(message, offset + 8)
            offset = _align(offset + 12 + length + 1) + 8
    except struct.error:
        return 0
    return offset if offset <= len(message) else 0


def _align(offset: int) -> int:
    return (offset + 3) & ~3
