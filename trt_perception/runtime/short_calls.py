"""Calls of the CUDA driver that are over in a microsecond, made without letting other Python threads in between."""

from __future__ import annotations

import ctypes
from typing import Any


class ShortCalls:
    """Events on streams, through the driver's own library.

    The CUDA packages give the interpreter lock away around every call, and take it again. With a camera's thread each,
    the next thread then takes it, and the first one has to be woken up: for each of a frame's calls, tens of
    microseconds in which nobody works. These calls take less than that, so they keep the lock.

    Args:
        library: libcuda, or what answers as it does.
    """

    def __init__(self, library: ctypes.PyDLL) -> None:
        self._record: Any = library.cuEventRecord
        self._record.argtypes = (ctypes.c_void_p, ctypes.c_void_p)
        self._wait: Any = library.cuStreamWaitEvent
        self._wait.argtypes = (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_uint)
        for function in (self._record, self._wait):
            function.restype = ctypes.c_int

    @staticmethod
    def load() -> ShortCalls | None:
        """Those of the driver; None where there is none."""
        try:
            return ShortCalls(ctypes.PyDLL("libcuda.so.1"))
        except OSError:
            return None

    def record(self, stream: Any, event: Any) -> int:
        """Record an event on a stream, both of cuda.core; the driver's status."""
        return int(self._record(int(event.handle), int(stream.handle)))

    def wait(self, stream: Any, event: Any) -> int:
        """Let a stream wait for an event; the driver's status."""
        return int(self._wait(int(stream.handle), int(event.handle), 0))
