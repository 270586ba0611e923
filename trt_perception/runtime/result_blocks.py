"""Pinned memory that results come back to, and stay in for as long as somebody has their masks."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from contextlib import suppress
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from trt_perception.errors import PerceptionError
from trt_perception.runtime.gpu import Gpu, Memory

MOST_LENT = 2
"""Results whose arrays lie in pinned memory at once: one that is published while the next one is read. Whoever keeps
more gets copies, so that no consumer can keep a pipeline from its memory."""


class ResultBlocks:
    """Blocks of one size: one for each frame under way, and those that are lent.

    A mask of Full HD is 2 MB, and copying it would take longer than all of a frame's calls together. It stays where the
    GPU has put it instead, and the block comes back by itself when the last array over it is gone. Any thread.

    Args:
        gpu: Whose results.
        nbytes: Size of each block.
        under_way: Most frames under way at once.

    Raises:
        DeviceError: Not enough pinned memory.
    """

    def __init__(self, gpu: Gpu, *, nbytes: int, under_way: int) -> None:
        self.nbytes = nbytes
        self._gpu = gpu
        self._lock = Lock()
        self._idle: list[Memory] = []
        self._lent = 0
        self._back: deque[Memory] = deque()
        """What came back meanwhile: an array may end anywhere, within `take` too, where the lock is held already."""
        self._is_closed = False
        try:
            for _ in range(under_way + MOST_LENT):
                self._idle.append(gpu.allocate_pinned(nbytes))
        except BaseException:
            self.close()
            raise

    def take(self) -> Memory:
        """A block for a frame that is begun; to be given to `lend` or `put_back`."""
        with self._lock:
            self._collect()
            return self._idle.pop()

    def put_back(self, memory: Memory) -> None:
        """Take a block back that nobody reads and the GPU does not write."""
        with self._lock:
            self._idle.append(memory)

    def lend(self, memory: Memory, nbytes: int) -> NDArray[np.uint8]:
        """What came back with a frame: uint8 (nbytes,), the caller's; a copy where enough is lent already.

        Args:
            memory: From `take`, and written by now.
            nbytes: How much of it.
        """
        with self._lock:
            self._collect()
            is_lent = self._lent < MOST_LENT
            self._lent += is_lent
        if is_lent:
            return np.asarray(_Lent(memory, nbytes, self._come_back))
        try:
            return self._gpu.array(memory, shape=(memory.nbytes,), dtype=np.dtype(np.uint8))[:nbytes].copy()
        finally:
            self.put_back(memory)

    def close(self) -> None:
        """Free what is not lent, once nothing is under way; the rest as it comes back. Harmless when called twice."""
        with self._lock:
            self._is_closed = True
            self._back.extend(self._idle)
            self._idle.clear()
        self._free_what_is_back()

    def _collect(self) -> None:
        while self._back:
            self._idle.append(self._back.popleft())
            self._lent -= 1

    def _come_back(self, memory: Memory) -> None:
        self._back.append(memory)
        if self._is_closed:
            with suppress(PerceptionError), self._gpu.borrowed():  # nobody is there to be told
                self._free_what_is_back()

    def _free_what_is_back(self) -> None:
        lost = self._gpu.is_lost()
        while True:
            try:
                memory = self._back.popleft()
            except IndexError:
                return
            if not lost:
                self._gpu.free(memory)


class _Lent:
    """What the arrays over a block have in common."""

    __slots__ = ("__array_interface__", "_give_back", "_memory")

    def __init__(self, memory: Memory, nbytes: int, give_back: Callable[[Memory], None]) -> None:
        self._memory = memory
        self._give_back = give_back
        self.__array_interface__ = {"version": 3, "typestr": "|u1", "shape": (nbytes,), "data": (memory.address, False)}

    def __del__(self) -> None:
        self._give_back(self._memory)
