"""Files of other people's, read no further than a limit."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from trt_perception.errors import InputError

MAX_JSON_BYTES = 2**24
"""Of an engine's manifest, an account, a calibration table and a line of JSON: tens of times what the largest model
needs. As Python's objects it may take thirty times that."""

_BLOCK_BYTES = 1 << 20


def read_limited(path: Path, *, limit: int = MAX_JSON_BYTES, remedy: str = "") -> bytes:
    """The content of a file, or of a pipe.

    Args:
        path: The file.
        limit: Most bytes that it may have.
        remedy: What to do where it has more.

    Raises:
        InputError: It has more; of a file nothing was read then, of a pipe no more than that.
        OSError: It cannot be read.
    """
    blocks = []
    left = limit
    with path.open("rb") as file:
        if os.fstat(file.fileno()).st_size > limit:
            raise _too_large(str(path), limit, remedy)
        while block := file.read(min(_BLOCK_BYTES, left + 1)):
            left -= len(block)
            if left < 0:
                raise _too_large(str(path), limit, remedy)
            blocks.append(block)
    return b"".join(blocks)


def limited_lines(path: Path, *, limit: int = MAX_JSON_BYTES) -> Iterator[str]:
    """The lines of a UTF-8 file as they are asked for, each with its end.

    Raises:
        InputError: While reading: a line has more than `limit` characters.
        OSError: It cannot be read.
        UnicodeDecodeError: While reading: it is no UTF-8.
    """
    with path.open(encoding="utf-8") as file:
        number = 0
        while line := file.readline(limit + 1):
            number += 1
            if len(line) > limit:
                raise _too_large(f"{path}:{number}", limit, "")
            yield line


def _too_large(where: str, limit: int, remedy: str) -> InputError:
    """The error of something that is larger than it may be."""
    return InputError(
        f"{where}: expected at most {limit / 2**20:.0f} MiB, got more" + (f"; {remedy}" if remedy else "")
    )
