"""Calls of the CUDA driver that only enqueue, made without letting other Python threads in between."""

from __future__ import annotations

import ctypes
from typing import Any


class ShortCalls:
    """Events, graphs and copies out of a stream, through the driver's own library.

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
        self._launch: Any = library.cuGraphLaunch
        self._launch.argtypes = (ctypes.c_void_p, ctypes.c_void_p)
        self._download: Any = library.cuMemcpyDtoHAsync_v2
        self._download.argtypes = (ctypes.c_void_p, ctypes.c_uint64, ctypes.c_size_t, ctypes.c_void_p)
        for function in (self._record, self._wait, self._launch, self._download):
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

    def launch(self, graph: Any, stream: Any) -> int:
        """Launch a graph of cuda.core on a stream; the driver's status."""
        return int(self._launch(int(graph.handle), int(stream.handle)))

    def download(self, host: int, device: int, nbytes: int, handle: int) -> int:
        """Copy to pinned memory, on the stream of that handle; the driver's status."""
        return int(self._download(host, device, nbytes, handle))

    def wait(self, stream: Any, event: Any) -> int:
        """Let a stream wait for an event; the driver's status."""
        return int(self._wait(int(stream.handle), int(event.handle), 0))
