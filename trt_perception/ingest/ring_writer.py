"""The writing end of a ring: puts every message into a free slot, and takes back the oldest that nobody took."""

from __future__ import annotations

import mmap
import os
from dataclasses import dataclass, field

from trt_perception.errors import DropReason, FrameError
from trt_perception.ingest.ring_ends import WriterEnds
from trt_perception.ingest.shared_memory import extend_memory
from trt_perception.ingest.token import RETURN_BYTES, TOKEN_BYTES, UNKNOWN_STAMP, Token, unpack_returns, unpack_tokens

SLOTS = 4
"""One at the worker, one that waits for it, one on its way, one that is written."""
ALIGNMENT = 256
"""Of the payload's address, bytes: what kernels and copies of a GPU like best."""


@dataclass
class _Segment:
    start: int
    slot_bytes: int
    memory: mmap.mmap
    free: list[int] = field(default_factory=list)


class RingWriter:
    """Never waits, neither for the reader nor for a lock. One thread uses it.

    Args:
        ends: Its descriptors; they stay the caller's.
        headroom: Size of a new slot relative to the message that needs it; more than 1 where sizes vary.
        slots: Messages that the ring holds at once: more where the reader keeps some for a while.
    """

    def __init__(self, ends: WriterEnds, *, headroom: float = 1.0, slots: int = SLOTS) -> None:
        self._ends = ends
        self._headroom = headroom
        self._slots = slots
        self._segment: _Segment | None = None
        self._end = 0  # of the memory that was ever used
        self._sequence = 0

    def write(
        self,
        message: bytes | memoryview,
        *,
        payload_offset: int = 0,
        received_ns: int = 0,
        stamp_ns: int = UNKNOWN_STAMP,
    ) -> list[Token]:
        """Copy a message into a slot and hand it over.

        Args:
            message: The bytes.
            payload_offset: Which byte of it shall lie on an aligned address.
            received_ns: Steady time at which it came.
            stamp_ns: Stamp of its header.

        Returns:
            The older messages that it took the place of: the reader did not take them in time.

        Raises:
            FrameError: no_room, where the reader holds every slot, or no memory is left for a larger message.
        """
        segment = self._segment
        replaced: list[Token] = []
        if segment is None or len(message) + ALIGNMENT > segment.slot_bytes:
            segment = self._grow(len(message) + ALIGNMENT, replaced)
        slot = self._claim(segment, replaced)
        offset = slot * segment.slot_bytes + -payload_offset % ALIGNMENT
        segment.memory[offset : offset + len(message)] = message
        self._sequence += 1
        token = Token(
            sequence=self._sequence,
            segment=segment.start,
            segment_bytes=self._slots * segment.slot_bytes,
            slot=slot,
            offset=offset,
            length=len(message),
            received_ns=received_ns,
            stamp_ns=stamp_ns,
        )
        os.write(self._ends.full_write, token.pack())  # a pipe holds far more tokens than there are slots
        return replaced

    def close(self) -> None:
        """Unmap the memory; the descriptors stay the caller's."""
        segment, self._segment = self._segment, None
        if segment is not None:
            segment.memory.close()

    def _claim(self, segment: _Segment, replaced: list[Token]) -> int:
        """A slot that is the writer's: a free one, or that of the oldest message that was not taken yet."""
        self._take_returns(segment)
        while not segment.free:
            token = self._take_back()
            if token is None:
                self._take_returns(segment)  # the reader may have taken and returned one meanwhile
                if not segment.free:
                    raise FrameError(DropReason.NO_ROOM, f"the node holds all {self._slots} slots of the ring")
            else:
                replaced.append(token)
                if token.segment == segment.start:
                    segment.free.append(token.slot)
        return segment.free.pop()

    def _take_back(self) -> Token | None:
        """The oldest message that the reader has not taken; None where it has taken all."""
        try:
            data = os.read(self._ends.full_read, TOKEN_BYTES)
        except BlockingIOError:
            return None
        return next(unpack_tokens(data))

    def _take_returns(self, segment: _Segment) -> None:
        try:
            data = os.read(self._ends.free_read, 64 * RETURN_BYTES)
        except BlockingIOError:
            return
        segment.free += [slot for start, slot in unpack_returns(data) if start == segment.start]

    def _grow(self, nbytes: int, replaced: list[Token]) -> _Segment:
        """A segment with larger slots. What the reader has taken stays as it is; what it has not is replaced."""
        page = mmap.PAGESIZE
        slot_bytes = -(-int(nbytes * self._headroom) // page) * page
        memory = extend_memory(self._ends.memory, self._end, self._slots * slot_bytes)
        while (token := self._take_back()) is not None:
            replaced.append(token)
        self.close()
        self._segment = _Segment(self._end, slot_bytes, memory, list(range(self._slots)))
        self._end += self._slots * slot_bytes
        return self._segment
