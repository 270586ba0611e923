"""The stamp of a message that begins with a std_msgs/Header, for the ledger of what is never parsed."""

from __future__ import annotations

import struct

from trt_perception.ingest.token import UNKNOWN_STAMP

_STAMP = struct.Struct("<4xiI")


def message_stamp(message: bytes | memoryview) -> int:
    """Nanoseconds of the stamp of a little-endian CDR message; UNKNOWN_STAMP where it is cut off."""
    if len(message) < _STAMP.size:
        return UNKNOWN_STAMP
    sec, nanosec = _STAMP.unpack_from(message)
    return int(sec) * 1_000_000_000 + int(nanosec)
