"""The reading end of a ring: messages as views of the shared memory, each slot given back with the last view of it."""

from __future__ import annotations

import contextlib
import mmap
import os
import weakref
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trt_perception.ingest.ring_ends import ReaderEnds
from trt_perception.ingest.shared_memory import map_memory
from trt_perception.ingest.token import TOKEN_BYTES, Token, pack_return, unpack_tokens

Register = Callable[[int, int], Callable[[], object]]
"""Makes memory known to a device: address and bytes; returns what undoes it."""


@dataclass(frozen=True, eq=False)
class RingMessage:
    """One message in the ring.

    Args:
        token: What is known of it.
        data: The bytes, read-only. The slot is the message's until the last view of them is gone, whatever holds it: a
            memoryview, a NumPy array, a Frame.
    """

    token: Token
    data: memoryview = field(repr=False)


class _Segment:
    """One mapped segment and what is lent of it."""

    def __init__(self, memory: mmap.mmap, register: Register) -> None:
        self.memory = memory
        self.bytes: NDArray[np.uint8] = np.frombuffer(memory, np.uint8)
        self.lent: dict[int, weakref.ref[Any]] = {}  # by sequence
        self._unregister = register(self.bytes.ctypes.data, self.bytes.nbytes)

    def close(self) -> None:
        """Give the memory back, once nothing is lent; it is unmapped with the last reference."""
        self._unregister()
        self.memory.madvise(mmap.MADV_REMOVE)


class RingReader:
    """One thread takes; messages may end in any thread.

    Args:
        ends: Its descriptors, closed with it.
        register: Called for every new segment, before anything of it is handed out, and undone when nothing of it is
            used any more. Must not raise.
    """

    def __init__(self, ends: ReaderEnds, *, register: Register = lambda address, nbytes: lambda: None) -> None:
        self.is_ended = False
        self._ends = ends
        self._register = register
        self._segments: dict[int, _Segment] = {}
        self._newest = -1
        self._end = 0  # of the memory that was seen so far
        self._is_closed = False

    def fileno(self) -> int:
        """The descriptor that is readable when messages wait."""
        return self._ends.full_read

    def take(self) -> list[RingMessage]:
        """All messages that wait, oldest first; never waits. `is_ended` is set once the writer's process is gone.

        Raises:
            OSError: A segment cannot be mapped.
        """
        try:
            data = os.read(self._ends.full_read, 64 * TOKEN_BYTES)
        except BlockingIOError:  # the writer took it back
            return []
        self.is_ended = not data
        return [self._lend(token) for token in unpack_tokens(data)]

    def sweep(self) -> None:
        """Give back the memory of old segments that nothing is used of any more; call it now and then."""
        for start, segment in list(self._segments.items()):
            if start < self._newest and not segment.lent:
                del self._segments[start]
                segment.close()

    def close(self) -> bool:
        """Take no more; release all, but for what is still in use.

        Returns:
            Whether nothing is in use. Otherwise call it again later: until then memory and descriptors stay.
        """
        self._newest = 2**63
        self.sweep()
        if self._segments:
            return False
        if not self._is_closed:
            self._is_closed = True
            self._ends.close()
        return True

    def _lend(self, token: Token) -> RingMessage:
        segment = self._segments.get(token.segment)
        if segment is None:
            segment = self._map(token)
        view = segment.bytes[token.offset : token.offset + token.length]
        view.flags.writeable = False
        # Whatever is made of this array keeps it alive: its end is the end of every use of the slot.
        segment.lent[token.sequence] = weakref.ref(view, partial(self._give_back, segment, token))
        return RingMessage(token, view.data)

    def _map(self, token: Token) -> _Segment:
        if token.segment > self._end:  # segments that came and went before anything of them was taken
            with map_memory(self._ends.memory, self._end, token.segment - self._end) as unseen:
                unseen.madvise(mmap.MADV_REMOVE)
        segment = _Segment(map_memory(self._ends.memory, token.segment, token.segment_bytes), self._register)
        self._segments[token.segment] = segment
        self._newest = token.segment
        self._end = token.segment + token.segment_bytes
        return segment

    def _give_back(self, segment: _Segment, token: Token, _: object) -> None:
        with contextlib.suppress(OSError):  # the writer's process is gone
            os.write(self._ends.free_write, pack_return(token.segment, token.slot))
        del segment.lent[token.sequence]  # last: descriptors are closed once nothing is lent
