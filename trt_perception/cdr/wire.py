"""What every message here shares on the wire: encapsulation, alignment, strings, and how their faults are named."""

from __future__ import annotations

from trt_perception.errors import DropReason, FrameError

ENCAPSULATION = b"\x00\x01\x00\x00"
"""CDR_LE and no options. Offsets are aligned relative to the byte behind it."""

CDR_LE = 0x0100
"""The first two bytes of a message, read as a little-endian uint16."""

MAX_TEXT_BYTES = 1 << 16
"""Longest string that is believed, so that a damaged length cannot make a string out of pixels."""


def refuse_representation(message_type: str, data: bytes | memoryview) -> FrameError:
    """The error for a message that does not start with CDR_LE."""
    if len(data) < 4:
        return malformed(message_type, f"{len(data)} bytes, expected at least the 4 of the encapsulation")
    kind = data[0] << 8 | data[1]
    if kind == 0:
        return FrameError(DropReason.BIG_ENDIAN, f"{message_type}: big-endian CDR, only little endian is read")
    return malformed(message_type, f"encapsulation 0x{kind:04x}, expected CDR_LE (0x0001)")


def malformed(message_type: str, problem: str) -> FrameError:
    """The error for bytes that are no message of that type."""
    return FrameError(DropReason.MALFORMED, f"{message_type}: {problem}")


def read_text(message_type: str, data: bytes | memoryview, start: int, length: int) -> str:
    """The string of `length` bytes at `start`; its closing NUL is dropped, and not missed where a writer left it out.

    Raises:
        FrameError: malformed, where it is cut off, too long to believe, or not UTF-8.
    """
    end = start + length
    if length > MAX_TEXT_BYTES or end > len(data):
        raise malformed(
            message_type,
            f"string of {length} bytes at byte {start} of {len(data)}, longer than the message or {MAX_TEXT_BYTES}",
        )
    if length and data[end - 1] == 0:
        end -= 1
    try:
        return str(data[start:end], "utf-8")
    except UnicodeDecodeError as error:
        raise malformed(message_type, f"string at byte {start} is not UTF-8: {error.reason}") from None


def text_bytes(text: str) -> bytes:
    """The bytes of a string on the wire behind its length field: UTF-8 and a NUL."""
    return text.encode() + b"\x00"


def padding(size: int, alignment: int) -> bytes:
    """Zeros that bring `size` bytes up to a multiple of `alignment`."""
    return bytes(-size % alignment)
