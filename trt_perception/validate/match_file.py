"""What became of every detection, on disk: sorted by class and score there, so that memory stays flat."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

MATCH = np.dtype(
    [
        ("class_id", np.uint32),
        ("group", np.uint32),
        ("score", np.float32),
        ("matched", np.uint16, (4,)),
        ("ignored", np.uint16, (4,)),
    ]
)
"""One detection: class, number of the group of frames, score, and a bit for every IoU threshold, by size."""

ROWS_AT_ONCE = 8192

_ROW_BITS = 32


class MatchFile:
    """Takes rows in the order of the images, and gives those of a class best score first; equal ones stay in order.

    Its files have no name: they are gone with the process, however it ends. What is mapped of them into memory is the
    system's to take back.

    Args:
        folder: Where they lie. None: the system's folder for temporary files.

    Raises:
        OSError: The disk is full.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._file = self._make_file()
        self._counts: NDArray[np.int64] = np.zeros(0, np.int64)
        self._sorted: dict[int, tuple[NDArray[Any], NDArray[np.uint64]]] | None = None
        self._kept: list[IO[bytes]] = []

    def append(self, rows: NDArray[Any]) -> None:
        """Add rows of type MATCH."""
        if not len(rows):
            return
        self._forget_order()
        counts = np.bincount(rows["class_id"], minlength=len(self._counts))
        counts[: len(self._counts)] += self._counts
        self._counts = counts
        self._file.seek(0, 2)
        self._file.write(rows.tobytes())

    def of_class(self, class_id: int) -> Iterator[NDArray[Any]]:
        """All rows of a class, some at a time, best score first."""
        if self._sorted is None:
            self._sorted = self._sort()
        if class_id not in self._sorted:
            return
        rows, keys = self._sorted[class_id]
        for start in range(0, len(keys), ROWS_AT_ONCE):
            place = keys[start : start + ROWS_AT_ONCE] & np.uint64((1 << _ROW_BITS) - 1)
            yield rows[place.astype(np.int64)]

    def close(self) -> None:
        """Free the disk. Harmless when called twice."""
        self._forget_order()
        self._file.close()

    def _sort(self) -> dict[int, tuple[NDArray[Any], NDArray[np.uint64]]]:
        """By class: its rows as they came, and what tells their order."""
        if not self._counts.any():
            return {}
        total = int(self._counts.sum())
        ends = np.cumsum(self._counts)
        starts = ends - self._counts
        rows, keys = self._map(MATCH, total), self._map(np.dtype(np.uint64), total)
        filled = np.zeros_like(starts)
        for block in self._blocks():
            block = block[np.argsort(block["class_id"], kind="stable")]
            classes, first, counts = np.unique(block["class_id"], return_index=True, return_counts=True)
            for class_id, begin, count in zip(classes.tolist(), first.tolist(), counts.tolist(), strict=True):
                part = block[begin : begin + count]
                number = int(filled[class_id])
                place = slice(int(starts[class_id]) + number, int(starts[class_id]) + number + count)
                rows[place] = part
                keys[place] = _keys(part["score"], number)
                filled[class_id] += count
        found = {}
        for class_id in np.flatnonzero(self._counts).tolist():
            of_class = slice(int(starts[class_id]), int(ends[class_id]))
            keys[of_class].sort()
            found[class_id] = rows[of_class], keys[of_class]
        return found

    def _blocks(self) -> Iterator[NDArray[Any]]:
        self._file.seek(0)
        while data := self._file.read(ROWS_AT_ONCE * MATCH.itemsize):
            yield np.frombuffer(data, MATCH)

    def _map(self, dtype: np.dtype[Any], count: int) -> NDArray[Any]:
        file = self._make_file()
        self._kept.append(file)
        # Space that is missing is an error here, and would end the process where mapped memory is written.
        os.posix_fallocate(file.fileno(), 0, count * dtype.itemsize)
        return np.memmap(file, dtype, mode="w+", shape=(count,))

    def _make_file(self) -> IO[bytes]:
        return tempfile.TemporaryFile(dir=self._folder)

    def _forget_order(self) -> None:
        self._sorted = None
        kept, self._kept = self._kept, []
        for file in kept:
            file.close()


def _keys(scores: NDArray[np.float32], number: int) -> NDArray[np.uint64]:
    """Numbers that grow as scores fall, then with the row's number: one sort in place, without a second array.

    Args:
        scores: Of consecutive rows.
        number: Of the first.
    """
    bits = (scores + np.float32(0.0)).view(np.uint32)  # minus zero becomes zero
    rising = np.where(bits >> 31, ~bits, bits | np.uint32(1 << 31)).astype(np.uint64)
    places = np.arange(number, number + len(scores), dtype=np.uint64)
    return (np.uint64((1 << 32) - 1) - rising) << np.uint64(_ROW_BITS) | places
