"""vision_msgs/msg/LabelInfo: the names of a mask's class ids."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from trt_perception.cdr.cdr_reader import CdrReader
from trt_perception.cdr.cdr_writer import CdrWriter

LABEL_INFO_TYPE = "vision_msgs/msg/LabelInfo"

_SMALLEST_CLASS = 2 + 4


@dataclass(frozen=True, kw_only=True)
class LabelInfoMessage:
    """One LabelInfo message.

    Args:
        stamp_ns: Stamp of the header, nanoseconds.
        frame_id: Coordinate frame of the header.
        class_map: Class name by class id (0 to 65535), in the message's order.
        threshold: Confidence above which a class is published, 0 to 1.
    """

    stamp_ns: int
    frame_id: str
    class_map: Mapping[int, str]
    threshold: float


def decode_label_info(data: bytes | memoryview) -> LabelInfoMessage:
    """Reads a LabelInfo message.

    Raises:
        FrameError: malformed or big_endian.
    """
    reader = CdrReader(LABEL_INFO_TYPE, data)
    stamp_ns, frame_id = reader.header()
    class_map = {reader.integer("H"): reader.text() for _ in range(reader.count(_SMALLEST_CLASS))}
    return LabelInfoMessage(stamp_ns=stamp_ns, frame_id=frame_id, class_map=class_map, threshold=reader.real("f"))


def encode_label_info(message: LabelInfoMessage) -> bytes:
    """Writes a LabelInfo message.

    Raises:
        ValueError: A number that does not fit its field.
    """
    writer = CdrWriter()
    writer.header(message.stamp_ns, message.frame_id)
    writer.number("I", len(message.class_map))
    for class_id, name in message.class_map.items():
        writer.number("H", class_id)
        writer.text(name)
    writer.number("f", message.threshold)
    return writer.message()
