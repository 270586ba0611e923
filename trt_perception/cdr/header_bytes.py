"""The start of every stamped message: encapsulation and std_msgs/msg/Header."""

from __future__ import annotations

import struct

from trt_perception.cdr.stamp import join_stamp, split_stamp
from trt_perception.cdr.wire import CDR_LE, ENCAPSULATION, malformed, padding, refuse_representation, text_bytes

_STAMP_AND_LENGTH = struct.Struct("<iII")
_START = struct.Struct("<HxxiI")  # representation, sec, nanosec


def header_bytes(stamp_ns: int, frame_id: str) -> bytes:
    """A Header without encapsulation, padded to 4 bytes.

    Raises:
        ValueError: The stamp does not fit a Time message.
    """
    text = text_bytes(frame_id)
    return _STAMP_AND_LENGTH.pack(*split_stamp(stamp_ns), len(text)) + text + padding(len(text), 4)


def message_start(stamp_ns: int, frame_id: str) -> bytes:
    """Encapsulation and Header, padded to 4 bytes: what comes before the first field of a stamped message."""
    return ENCAPSULATION + header_bytes(stamp_ns, frame_id)


def read_stamp_ns(data: bytes | memoryview) -> int:
    """The stamp of any message that begins with a Header, nanoseconds.

    Raises:
        FrameError: malformed or big_endian.
    """
    if len(data) < _START.size:
        raise malformed("std_msgs/msg/Header", f"{len(data)} bytes, expected at least {_START.size}")
    representation, sec, nanosec = _START.unpack_from(data)
    if representation != CDR_LE:
        raise refuse_representation("std_msgs/msg/Header", data)
    return join_stamp(sec, nanosec)
