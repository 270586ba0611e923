"""vision_msgs/msg/VisionInfo: which model the results come from."""

from __future__ import annotations

from dataclasses import dataclass

from trt_perception.cdr.cdr_reader import CdrReader
from trt_perception.cdr.cdr_writer import CdrWriter

VISION_INFO_TYPE = "vision_msgs/msg/VisionInfo"


@dataclass(frozen=True, kw_only=True)
class VisionInfoMessage:
    """One VisionInfo message.

    Args:
        stamp_ns: Stamp of the header, nanoseconds.
        frame_id: Coordinate frame of the header.
        method: Name of the vision pipeline.
        database_location: Where the meaning of its class ids is found.
        database_version: Counted up when that changes.
    """

    stamp_ns: int
    frame_id: str
    method: str
    database_location: str
    database_version: int


def decode_vision_info(data: bytes | memoryview) -> VisionInfoMessage:
    """Reads a VisionInfo message.

    Raises:
        FrameError: malformed or big_endian.
    """
    reader = CdrReader(VISION_INFO_TYPE, data)
    stamp_ns, frame_id = reader.header()
    return VisionInfoMessage(
        stamp_ns=stamp_ns,
        frame_id=frame_id,
        method=reader.text(),
        database_location=reader.text(),
        database_version=reader.integer("i"),
    )


def encode_vision_info(message: VisionInfoMessage) -> bytes:
    """Writes a VisionInfo message.

    Raises:
        ValueError: A number that does not fit its field.
    """
    writer = CdrWriter()
    writer.header(message.stamp_ns, message.frame_id)
    writer.text(message.method)
    writer.text(message.database_location)
    writer.number("i", message.database_version)
    return writer.message()
