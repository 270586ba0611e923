"""Whether a JPEG lacks a part of its data, though its end marker is there.

Decoders fill what is missing with the last colour and only print a warning. Where the file has restart markers, their
number shows a gap. Otherwise a flat lower right corner is suspicious: if it was really coded, the data ends with the
bits of flat blocks (colour unchanged, no details), which the file's own Huffman tables give. A loss of the last few
blocks only, or in a progressive file, goes unnoticed.
"""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from trt_perception.preprocess.jpeg_header import JpegHeader, JpegScan

_BLOCK_PX = 8
_LOOKED_AT = 5
"""Minimum coded units at the end of the last row that have to be flat before the bits are looked at."""
_COMPARED = 4
"""Flat units whose bits have to end the data."""
_UPSAMPLING_PX = 2
"""Pixels at a unit's edge that its neighbours' colours reach into."""
_RESTART = re.compile(rb"\xff[\xd0-\xd7]")


def has_gap(header: JpegHeader, data: memoryview) -> bool:
    """Whether restart markers are missing or out of order; files that need none have no gap.

    Args:
        header: The file's segments.
        data: The file.
    """
    scan = _only_scan(header)
    if scan is None or not scan.restart_interval:
        return False
    across, down = _units(header)
    markers = [found.group()[1] - 0xD0 for found in _RESTART.finditer(data, scan.start, scan.end)]
    expected = (across * down - 1) // scan.restart_interval  # a declared number: compared before a list is made of it
    return len(markers) != expected or markers != [number % 8 for number in range(expected)]


def ends_early(header: JpegHeader, data: memoryview, image: NDArray[np.uint8]) -> bool:
    """Whether the last row's end was filled in, not decoded.

    Args:
        header: The file's segments.
        data: The file.
        image: uint8 (h, w) or (h, w, 3): what it decoded to.
    """
    scan = _only_scan(header)
    if scan is None:
        return False
    flat_unit = _flat_unit_bits(header, scan)
    return (
        flat_unit != ""
        and _has_flat_end(header, scan, image)
        and not _ends_with(_last_bits(scan, data, len(flat_unit) * _COMPARED), flat_unit * _COMPARED)
    )


def _only_scan(header: JpegHeader) -> JpegScan | None:
    """The scan of a file that has one, sequential and with Huffman codes: what cameras send. Others count as whole."""
    return header.scans[0] if header.is_sequential_huffman and len(header.scans) == 1 else None


def _unit_px(header: JpegHeader) -> tuple[int, int]:
    """Width and height of a minimum coded unit; with one component it is one block."""
    if header.is_grey:
        return _BLOCK_PX, _BLOCK_PX
    return (
        _BLOCK_PX * max(part.horizontal for part in header.components),
        _BLOCK_PX * max(part.vertical for part in header.components),
    )


def _units(header: JpegHeader) -> tuple[int, int]:
    """Minimum coded units in a row, and rows of them."""
    width, height = _unit_px(header)
    return -(-header.width // width), -(-header.height // height)


def _has_flat_end(header: JpegHeader, scan: JpegScan, image: NDArray[np.uint8]) -> bool:
    across, down = _units(header)
    unit_width, unit_height = _unit_px(header)
    in_row = min(across, _LOOKED_AT)
    if scan.restart_interval:  # bits start anew at each restart
        in_row = min(in_row, (across * down - 1) % scan.restart_interval + 1)
    if in_row <= _COMPARED:  # the first one brings the colour that the others repeat
        return False
    top = (down - 1) * unit_height + _UPSAMPLING_PX
    left = (across - in_row) * unit_width + _UPSAMPLING_PX
    corner = image[top:, left:]
    return corner.size > 0 and bool((corner == corner[0, 0]).all())


def _flat_unit_bits(header: JpegHeader, scan: JpegScan) -> str:
    """The bits of one minimum coded unit that repeats the colour before it; empty where tables are missing."""
    bits = []
    for part in header.components:
        dc_table, ac_table = scan.tables.get(part.identifier, (-1, -1))
        # Value 0 is "no difference" among the DC codes and "no more details in this block" among the AC codes.
        dc_code = _huffman_code(header.huffman.get((0, dc_table), b""), 0)
        ac_code = _huffman_code(header.huffman.get((1, ac_table), b""), 0)
        if not dc_code or not ac_code:
            return ""
        bits.append((dc_code + ac_code) * (1 if header.is_grey else part.horizontal * part.vertical))
    return "".join(bits)


def _huffman_code(table: bytes, value: int) -> str:
    """The code of a value, as text of 0 and 1 (T.81, C.2); empty where the table does not have it."""
    code, position = 0, 16
    for length, count in enumerate(table[:16], start=1):
        for _ in range(count):
            if table[position] == value:
                return format(code, f"0{length}b")
            code += 1
            position += 1
        code <<= 1
    return ""


def _last_bits(scan: JpegScan, data: memoryview, count: int) -> str:
    """At least the last `count` bits of the entropy-coded data as text, fewer where a restart marker comes after."""
    # Twice as many bytes as needed: stuffing may double them, and encoders may pad the end.
    start = max(scan.start, scan.end - count // 4 - 32)
    tail = bytes(data[start : scan.end])
    tail = _RESTART.split(tail)[-1].replace(b"\xff\x00", b"\xff")
    return format(int.from_bytes(tail, "big"), f"0{8 * len(tail)}b")


def _ends_with(bits: str, expected: str) -> bool:
    """Whether the bits end as expected, or do so before a padding of equal bits."""
    end = len(bits)
    while end >= len(expected):
        if bits.endswith(expected, 0, end):
            return True
        if bits[end - 1] != bits[-1]:
            return False
        end -= 1
    return False
