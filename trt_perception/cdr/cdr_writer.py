"""Writes the fields of one CDR message in their order; for the messages that are small or rare."""

from __future__ import annotations

import struct
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from trt_perception.cdr.stamp import split_stamp
from trt_perception.cdr.wire import ENCAPSULATION, padding, text_bytes

_ORIGIN = len(ENCAPSULATION)


class CdrWriter:
    """One message that grows at its end. A number out of its field's range is a ValueError."""

    def __init__(self) -> None:
        self._data = bytearray(ENCAPSULATION)

    def number(self, code: str, value: float) -> None:
        """One number of a struct code: ``B``, ``H``, ``i``, ``I``, ``f``, ``d``."""
        self._align(struct.calcsize(code))
        try:
            self._data += struct.pack(f"<{code}", value)
        except struct.error as error:
            raise ValueError(f"{value!r} does not fit its field: {error}") from None

    def doubles(self, values: Sequence[float] | NDArray[np.float64]) -> None:
        """float64 values, without a length in front."""
        array = np.ascontiguousarray(values, dtype="<f8")
        if array.size:
            self._align(8)
            self._data += array.tobytes()

    def text(self, text: str) -> None:
        """One string."""
        data = text_bytes(text)
        self.number("I", len(data))
        self._data += data

    def stamp(self, stamp_ns: int) -> None:
        """One builtin_interfaces/msg/Time."""
        sec, nanosec = split_stamp(stamp_ns)
        self.number("i", sec)
        self.number("I", nanosec)

    def header(self, stamp_ns: int, frame_id: str) -> None:
        """One std_msgs/msg/Header."""
        self.stamp(stamp_ns)
        self.text(frame_id)

    def message(self) -> bytes:
        """What was written."""
        return bytes(self._data)

    def _align(self, alignment: int) -> None:
        self._data += padding(len(self._data) - _ORIGIN, alignment)
