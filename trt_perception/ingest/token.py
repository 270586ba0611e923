"""One message on its way through a ring: where it lies, and what is known of it without reading it."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

_FIELDS = struct.Struct("<QQQI4xQQQq")
_RETURN = struct.Struct("<QI4x")

UNKNOWN_STAMP = -(2**63)
TOKEN_BYTES = _FIELDS.size
RETURN_BYTES = _RETURN.size


class Token(NamedTuple):
    """Who holds it owns the slot: the kernel hands a token in a pipe to exactly one reader.

    Args:
        sequence: Counts the messages of one writer from 1.
        segment: Where in the shared memory the slot's segment begins, bytes. Never used twice.
        segment_bytes: Size of the segment.
        slot: Number of the slot in its segment.
        offset: Where in the segment the message begins, bytes.
        length: Size of the message, bytes.
        received_ns: Steady time at which the message came from the middleware.
        stamp_ns: Stamp of its header, for the ledger of what is never read; UNKNOWN_STAMP where it has none.
    """

    sequence: int
    segment: int
    segment_bytes: int
    slot: int
    offset: int
    length: int
    received_ns: int
    stamp_ns: int

    def pack(self) -> bytes:
        """The token in the pipe."""
        return _FIELDS.pack(*self)


def unpack_tokens(data: bytes) -> Iterator[Token]:
    """The tokens that were read from the pipe, oldest first."""
    return (Token(*fields) for fields in _FIELDS.iter_unpack(data))


def pack_return(segment: int, slot: int) -> bytes:
    """A slot on its way back to the writer."""
    return _RETURN.pack(segment, slot)


def unpack_returns(data: bytes) -> Iterator[tuple[int, int]]:
    """Segment and slot of what came back."""
    return _RETURN.iter_unpack(data)
