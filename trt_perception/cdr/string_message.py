"""std_msgs/msg/String: one text."""

from __future__ import annotations

from trt_perception.cdr.cdr_reader import CdrReader
from trt_perception.cdr.cdr_writer import CdrWriter

STRING_TYPE = "std_msgs/msg/String"


def decode_string(data: bytes | memoryview) -> str:
    """Reads a String message.

    Raises:
        FrameError: malformed or big_endian.
    """
    return CdrReader(STRING_TYPE, data).text()


def encode_string(text: str) -> bytes:
    """Writes a String message."""
    writer = CdrWriter()
    writer.text(text)
    return writer.message()
