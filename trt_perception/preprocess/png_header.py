"""The chunks of a PNG file, read and checked before anything is decoded (ISO/IEC 15948)."""

from __future__ import annotations

import struct
import zlib
from typing import NamedTuple

from trt_perception.errors import DropReason, FrameError

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_GREY_TYPES = (0, 4)
_END_BYTES = 12
"""Length, name and checksum: what a chunk has besides its data."""


class PngHeader(NamedTuple):
    """What IHDR declares."""

    width: int
    height: int
    is_grey: bool


def read_png_header(data: memoryview) -> PngHeader:
    """The declared size of a PNG file.

    Raises:
        FrameError: corrupt_image: the file does not start with a whole IHDR chunk.
    """
    if len(data) < 33 or bytes(data[12:16]) != b"IHDR":
        raise FrameError(DropReason.CORRUPT_IMAGE, "PNG does not start with an IHDR chunk")
    width, height, _, colour_type = struct.unpack_from(">IIBB", data, 16)
    return PngHeader(width, height, colour_type in _GREY_TYPES)


def check_png_chunks(data: memoryview) -> None:
    """Follow the chunks to IEND and compare every checksum, since decoders fill in what is missing.

    Raises:
        FrameError: corrupt_image: the file is cut off or damaged.
    """
    position = len(SIGNATURE)
    name = b""
    while name != b"IEND":
        if position + _END_BYTES > len(data):
            raise FrameError(DropReason.CORRUPT_IMAGE, f"PNG is cut off after {len(data)} bytes, before its IEND chunk")
        length, name = struct.unpack_from(">I4s", data, position)
        end = position + 8 + length
        if end + 4 > len(data):
            raise FrameError(
                DropReason.CORRUPT_IMAGE,
                f"PNG is cut off after {len(data)} bytes, its {name!r} chunk ends at byte {end + 4}",
            )
        if zlib.crc32(data[position + 4 : end]) != struct.unpack_from(">I", data, end)[0]:
            raise FrameError(DropReason.CORRUPT_IMAGE, f"PNG is damaged: the checksum of its {name!r} chunk is wrong")
        position = end + 4
