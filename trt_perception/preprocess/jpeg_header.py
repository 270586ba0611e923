"""The segments of a JPEG file, read and checked before anything is decoded (ITU-T T.81, annex B)."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass, field

from trt_perception.errors import DropReason, FrameError

SIGNATURE = b"\xff\xd8"

MAX_SCANS = 100
"""Most scans that are decoded; progressive files have about ten. Each costs a pass over the whole declared image: 10 kB
of them take a decoder seconds, a megabyte takes minutes."""

_EOI, _SOS, _DHT, _DRI, _TEM = 0xD9, 0xDA, 0xC4, 0xDD, 0x01
_FRAMES = frozenset(range(0xC0, 0xD0)) - {_DHT, 0xC8, 0xCC}
_SEQUENTIAL_HUFFMAN = (0xC0, 0xC1)
_RESTARTS = range(0xD0, 0xD8)
# In entropy-coded data 0xFF is followed by 0x00 or by a restart marker; anything else ends the scan.
_SCAN_END = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")


@dataclass(frozen=True, kw_only=True)
class JpegComponent:
    """One colour component of the frame.

    Args:
        identifier: Number by which scans name it.
        horizontal: Blocks of it in a row of a minimum coded unit.
        vertical: Rows of blocks of it in a minimum coded unit.
    """

    identifier: int
    horizontal: int
    vertical: int


@dataclass(frozen=True, kw_only=True)
class JpegScan:
    """One scan: which components with which Huffman tables, and where its entropy-coded data lies.

    Args:
        tables: DC and AC table of each component, by identifier.
        restart_interval: Minimum coded units between restart markers; 0 = none.
        start: First byte of the entropy-coded data.
        end: One after its last byte.
    """

    tables: dict[int, tuple[int, int]]
    restart_interval: int
    start: int
    end: int


@dataclass(kw_only=True)
class JpegHeader:
    """What the segments of one file say.

    Args:
        width: Declared width, px.
        height: Declared height, px.
        marker: The start-of-frame marker's second byte: which process the data is coded by.
        components: The frame's components in their order.
        huffman: Code lengths and values of every Huffman table, by (class, number); class 0 = DC, 1 = AC.
        scans: In their order.
    """

    width: int = 0
    height: int = 0
    marker: int = 0
    components: list[JpegComponent] = field(default_factory=list)
    huffman: dict[tuple[int, int], bytes] = field(default_factory=dict)
    scans: list[JpegScan] = field(default_factory=list)

    @property
    def is_grey(self) -> bool:
        """Whether there is one component only."""
        return len(self.components) == 1

    @property
    def is_sequential_huffman(self) -> bool:
        """Whether blocks are coded whole, one after the other: baseline, what cameras send."""
        return self.marker in _SEQUENTIAL_HUFFMAN


def read_jpeg_header(data: memoryview) -> JpegHeader:
    """Follow the segments from the first to the end marker.

    Raises:
        FrameError: corrupt_image: the file is cut off, or its segments contradict each other.
    """
    header = JpegHeader()
    restart_interval = 0
    position = len(SIGNATURE)
    while True:
        marker, position = _next_marker(data, position)
        if marker == _EOI:
            break
        if marker == _TEM or marker in _RESTARTS:
            continue
        segment, end = _segment(data, position)
        if marker in _FRAMES:
            _read_frame(header, marker, segment)
        elif marker == _DHT:
            _read_huffman_tables(header, segment)
        elif marker == _DRI and len(segment) >= 2:
            restart_interval = int.from_bytes(segment[:2], "big")
        elif marker == _SOS:
            start, end = end, _scan_end(data, end)
            header.scans.append(
                JpegScan(tables=_scan_tables(segment), restart_interval=restart_interval, start=start, end=end)
            )
            if len(header.scans) > MAX_SCANS:
                raise FrameError(DropReason.CORRUPT_IMAGE, f"JPEG has more than {MAX_SCANS} scans")
        position = end
    if not header.scans or not header.components:
        raise FrameError(DropReason.CORRUPT_IMAGE, "JPEG has no image: a frame header or its data is missing")
    return header


def _next_marker(data: memoryview, position: int) -> tuple[int, int]:
    """The marker at `position`, and where it ends. Any number of 0xFF may stand before it."""
    if position < len(data) and data[position] != 0xFF:
        raise FrameError(DropReason.CORRUPT_IMAGE, f"JPEG is damaged: expected a marker at byte {position}")
    while position < len(data) and data[position] == 0xFF:
        position += 1
    if position >= len(data):
        raise _cut_off(data)
    return data[position], position + 1


def _segment(data: memoryview, position: int) -> tuple[memoryview, int]:
    """The content of the segment whose length stands at `position`, and where it ends."""
    if position + 2 > len(data):
        raise _cut_off(data)
    length = struct.unpack_from(">H", data, position)[0]
    if length < 2 or position + length > len(data):
        raise _cut_off(data)
    return data[position + 2 : position + length], position + length


def _scan_end(data: memoryview, start: int) -> int:
    match = _SCAN_END.search(data, start)
    if match is None:
        raise _cut_off(data)
    end = match.start()
    while end > start and data[end - 1] == 0xFF:  # fill bytes belong to the marker
        end -= 1
    return end


def _cut_off(data: memoryview) -> FrameError:
    return FrameError(DropReason.CORRUPT_IMAGE, f"JPEG is cut off after {len(data)} bytes, before its end marker")


def _read_frame(header: JpegHeader, marker: int, segment: memoryview) -> None:
    if header.components:
        raise FrameError(DropReason.CORRUPT_IMAGE, "JPEG has two frame headers")
    if len(segment) < 6 or len(segment) < 6 + 3 * segment[5]:
        raise FrameError(DropReason.CORRUPT_IMAGE, "JPEG is damaged: its frame header is too short")
    header.marker = marker
    header.height, header.width = struct.unpack_from(">HH", segment, 1)
    parts = [
        JpegComponent(identifier=segment[at], horizontal=segment[at + 1] >> 4, vertical=segment[at + 1] & 15)
        for at in range(6, 6 + 3 * segment[5], 3)
    ]
    if not all(1 <= side <= 4 for part in parts for side in (part.horizontal, part.vertical)):
        raise FrameError(DropReason.CORRUPT_IMAGE, "JPEG is damaged: its frame header has impossible sampling factors")
    header.components = parts


def _read_huffman_tables(header: JpegHeader, segment: memoryview) -> None:
    position = 0
    while position + 17 <= len(segment):
        end = position + 17 + sum(segment[position + 1 : position + 17])
        header.huffman[segment[position] >> 4, segment[position] & 15] = bytes(segment[position + 1 : end])
        position = end


def _scan_tables(segment: memoryview) -> dict[int, tuple[int, int]]:
    count = segment[0] if len(segment) else 0
    if len(segment) < 1 + 2 * count:
        raise FrameError(DropReason.CORRUPT_IMAGE, "JPEG is damaged: its scan header is too short")
    return {segment[at]: (segment[at + 1] >> 4, segment[at + 1] & 15) for at in range(1, 1 + 2 * count, 2)}
