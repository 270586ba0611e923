"""rosgraph_msgs/msg/Clock: the time of a simulation or a replay."""

from __future__ import annotations

from trt_perception.cdr.cdr_reader import CdrReader
from trt_perception.cdr.cdr_writer import CdrWriter

CLOCK_TYPE = "rosgraph_msgs/msg/Clock"


def decode_clock(data: bytes | memoryview) -> int:
    """Reads a Clock message: its time in nanoseconds.

    Raises:
        FrameError: malformed or big_endian.
    """
    return CdrReader(CLOCK_TYPE, data).stamp_ns()


def encode_clock(stamp_ns: int) -> bytes:
    """Writes a Clock message.

    Raises:
        ValueError: The stamp does not fit a Time message.
    """
    writer = CdrWriter()
    writer.stamp(stamp_ns)
    return writer.message()
