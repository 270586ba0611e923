"""Reads the fields of one CDR message in their order; for the messages that are small or rare."""

from __future__ import annotations

import struct

import numpy as np
from numpy.typing import NDArray

from trt_perception.cdr.stamp import join_stamp
from trt_perception.cdr.wire import CDR_LE, ENCAPSULATION, malformed, read_text, refuse_representation

_REPRESENTATION = struct.Struct("<H")
_ORIGIN = len(ENCAPSULATION)


class CdrReader:
    """One message and the place in it that is read next.

    Args:
        message_type: Named in errors.
        data: The message, encapsulation included.

    Raises:
        FrameError: malformed or big_endian; the methods raise malformed where the message ends too early.
    """

    def __init__(self, message_type: str, data: bytes | memoryview) -> None:
        if len(data) < _ORIGIN or _REPRESENTATION.unpack_from(data)[0] != CDR_LE:
            raise refuse_representation(message_type, data)
        self._type = message_type
        self._data = data
        self._offset = _ORIGIN

    def integer(self, code: str) -> int:
        """One integer of a struct code: ``B``, ``H``, ``i``, ``I``."""
        return int(self._number(code))

    def real(self, code: str) -> float:
        """One float of a struct code: ``f``, ``d``."""
        return float(self._number(code))

    def _number(self, code: str) -> int | float:
        size = struct.calcsize(code)
        self._claim(size, 1, alignment=size)
        number: int | float = struct.unpack_from(f"<{code}", self._data, self._offset)[0]
        self._offset += size
        return number

    def doubles(self, count: int) -> NDArray[np.float64]:
        """float64 (count,), copied."""
        self._claim(8, count, alignment=8)
        array = np.frombuffer(self._data, "<f8", count, self._offset).astype(np.float64)
        self._offset += 8 * count
        return array

    def text(self) -> str:
        """One string."""
        size = self.integer("I")
        text = read_text(self._type, self._data, self._offset, size)
        self._offset += size
        return text

    def count(self, smallest: int) -> int:
        """The length of a sequence of elements of at least `smallest` bytes; more than can follow is refused."""
        count = self.integer("I")
        self._claim(smallest, count, alignment=1)
        return count

    def stamp_ns(self) -> int:
        """One builtin_interfaces/msg/Time in nanoseconds."""
        sec = self.integer("i")
        return join_stamp(sec, self.integer("I"))

    def header(self) -> tuple[int, str]:
        """One std_msgs/msg/Header: stamp in nanoseconds, frame_id."""
        stamp_ns = self.stamp_ns()
        return stamp_ns, self.text()

    def _claim(self, size: int, count: int, *, alignment: int) -> None:
        """Aligns, and checks that `count` elements of `size` bytes follow."""
        self._offset += (_ORIGIN - self._offset) % alignment
        left = len(self._data) - self._offset
        if size * count > left:
            raise malformed(
                self._type,
                f"{size * count} bytes expected at byte {self._offset}, {max(0, left)} follow; it is cut off",
            )
