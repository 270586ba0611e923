"""A compressed file of a bag, unpacked into a temporary folder as far as there is room and it is likely."""

from __future__ import annotations

import shutil
from pathlib import Path

from trt_perception.bag.libraries import load_zstd
from trt_perception.errors import BagError

LIKELY_BYTES = 2**30
"""Up to here any file is unpacked."""
LIKELY_RATIO = 1000
"""Beyond LIKELY_BYTES no recording of a real camera unpacks to this multiple of itself, because of its noise."""
ROOM_KEPT_BYTES = 2**30
"""This, or a tenth of a smaller volume, stays free for others: the temporary folder may be in memory."""

_STEP_BYTES = 1 << 20
_HEADER_BYTES = 18


def unpack_file(packed: Path, plain: Path) -> None:
    """Writes what a zstd file holds.

    Args:
        packed: The compressed file.
        plain: Where to; what is there after an error is for the caller to remove.

    Raises:
        BagError: It does not fit there, or unpacks to LIKELY_RATIO of itself.
        Exception: Whatever the zstd module raises on damaged data.
    """
    zstd = load_zstd()
    most = max(LIKELY_BYTES, LIKELY_RATIO * packed.stat().st_size)
    with packed.open("rb") as source:
        declared: int | None = zstd.get_frame_info(source.read(_HEADER_BYTES)).decompressed_size
    _check(packed, plain, declared or 0, most=most, more=declared or 0)
    written = 0
    with zstd.open(packed, "rb") as source, plain.open("wb") as target:
        while data := source.read(_STEP_BYTES):
            written += len(data)
            _check(packed, plain, written, most=most, more=len(data))
            target.write(data)


def _check(packed: Path, plain: Path, size: int, *, most: int, more: int) -> None:
    """Refuses a file that has `size` bytes unpacked, of which `more` are still to be written."""
    remedy = f"unpack it where there is room (`zstd -d {packed.name}`) and name the file that comes out"
    if size > most:
        raise BagError(
            packed, f"unpacks to more than {most / 2**20:.0f} MiB, which a recording of its size does not", remedy
        )
    usage = shutil.disk_usage(plain.parent)
    if usage.free - more < min(ROOM_KEPT_BYTES, usage.total // 10):
        problem = f"does not fit unpacked into {plain.parent.parent}, which has {usage.free / 2**20:.0f} MiB left"
        raise BagError(packed, problem, f"let TMPDIR name a larger folder, or {remedy}")
