"""Which image of a bag goes with which: made in one reading of the whole bag, so that no cut of it changes a pair."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from trt_perception.bag.bag_image import BagImage
from trt_perception.bag.bag_reader import BagReader
from trt_perception.bag.set_pairer import SetPairer
from trt_perception.errors import FrameError, InputError
from trt_perception.options.write_atomically import write_atomically
from trt_perception.pairing.paired_set import Outcome, UnpairedFrame
from trt_perception.validate.bag_plan import BagPlan
from trt_perception.validate.run_header import RunPairing

_UNKNOWN = int(np.iinfo(np.int64).min)
"""Stands where there is no stamp, and no nearest frame."""

_COLUMNS = 7
_LOG_TIME, _STAMP, _CAMERA, _FATE, _MISSING, _NEAREST, _AGAIN = range(_COLUMNS)


class Fate(IntEnum):
    """What becomes of an image."""

    UNUSABLE = 0
    """The message is no image that could be paired."""
    FIRST = 1
    """The first of a set."""
    PARTNER = 2
    """In a set, not as its first."""
    UNPAIRED = 3
    """In no set."""
    DUPLICATE = 4
    """The stamp of an earlier frame of the camera."""


@dataclass(frozen=True, kw_only=True, eq=False)
class PairRows:
    """Consecutive rows of a table; they are numbered as in the table, by the order of the images in the bag.

    Args:
        first: Number of the first.
        cells: int64 (rows, 7 + partners of a set), in order of log time.
    """

    first: int
    cells: NDArray[np.int64] = field(repr=False)

    def row_at(self, log_time_ns: int) -> int:
        """The first row that is not before a log time."""
        return self.first + int(np.searchsorted(self.cells[:, _LOG_TIME], log_time_ns))

    def fate(self, row: int) -> Fate:
        """What becomes of the image."""
        return Fate(int(self.cells[row - self.first, _FATE]))

    def partners(self, row: int) -> list[int]:
        """Rows of the other images of its set, in the order of the model's inputs; none where it is no first."""
        if self.fate(row) is not Fate.FIRST:
            return []
        return [int(partner) for partner in self.cells[row - self.first, _COLUMNS:]]

    def again(self, row: int) -> tuple[bool, ...]:
        """For each of the partners, whether an earlier set had it."""
        bits = int(self.cells[row - self.first, _AGAIN])
        return tuple(bool(bits >> number & 1) for number in range(self.cells.shape[1] - _COLUMNS))

    def missing(self, row: int) -> tuple[int | None, int | None]:
        """Of an unpaired first: the input that had no frame for it, and how much later than it the nearest frame of
        that input was taken, nanoseconds; None where that is not known."""
        number, nearest_ns = (int(self.cells[row - self.first, column]) for column in (_MISSING, _NEAREST))
        return number or None, None if nearest_ns == _UNKNOWN else nearest_ns

    def log_time_ns(self, row: int) -> int:
        """When the image was received, nanoseconds."""
        return int(self.cells[row - self.first, _LOG_TIME])

    def is_of(self, row: int, camera: int, image: BagImage) -> bool:
        """Whether this is the image of the row.

        Args:
            row: Number of the row.
            camera: Number of the image's camera, in order of name.
            image: The image.
        """
        if not 0 <= row - self.first < len(self.cells):
            return False
        expected = [image.message.log_time_ns, _stamp(image), camera]
        return bool(self.cells[row - self.first, : len(expected)].tolist() == expected)

    def around(self, start_ns: int, stop_ns: int, slack_ns: int) -> PairRows:
        """The rows that a stretch of the bag needs: its own, those of their partners, and those between.

        Args:
            start_ns: First log time of the stretch.
            stop_ns: First log time behind it.
            slack_ns: How much earlier and later than the stretch its images are read in any case.
        """
        low, high = self.row_at(start_ns - slack_ns), self.row_at(stop_ns + slack_ns)
        own = self.cells[self.row_at(start_ns) - self.first : self.row_at(stop_ns) - self.first]
        partners = own[own[:, _FATE] == Fate.FIRST, _COLUMNS:]
        if partners.size:
            # All of the same log time as an outermost partner are read with it.
            low = min(low, self.row_at(self.log_time_ns(int(partners.min()))))
            high = max(high, self.row_at(self.log_time_ns(int(partners.max())) + 1))
        return PairRows(first=low, cells=np.array(self.cells[low - self.first : high - self.first]))


def write_pair_table(plan: BagPlan, pairing: RunPairing, path: Path) -> None:
    """Read a bag once and keep which of its images go together. The same bag and sets give the same table.

    Memory holds some 200 bytes an image: its row, and its stamp to tell duplicates.

    Raises:
        BagError: The bag is damaged.
        OSError: The disk is full.
    """
    table = _Table(plan, pairing)
    table.read()
    write_atomically(path, table.cells().tobytes())


def read_pair_table(path: Path, pairing: RunPairing) -> PairRows:
    """All rows, which stay on disk until they are asked for.

    Raises:
        InputError: The file is damaged.
    """
    columns = _COLUMNS - 1 + len(pairing.sets[0])
    try:
        if not path.stat().st_size:
            return PairRows(first=0, cells=np.empty((0, columns), np.int64))
        return PairRows(first=0, cells=np.memmap(path, np.int64, "r").reshape(-1, columns))
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: damaged: {error}; run again with --overwrite") from error


@dataclass(frozen=True)
class _Row:
    """An image that is being paired."""

    number: int
    stamp_ns: int


class _Table:
    """A table in the making."""

    def __init__(self, plan: BagPlan, pairing: RunPairing) -> None:
        self._plan = plan
        self._columns = _COLUMNS - 1 + len(pairing.sets[0])
        self._pairer = SetPairer[_Row](pairing.sets, pairing.options())
        self._cells: array[int] = array("q")
        self._seen: dict[str, set[int]] = {camera: set() for camera in plan.cameras}

    def read(self) -> None:
        """Pair all images of the bag."""
        cameras = {topic: camera for camera, topic in self._plan.cameras.items()}
        numbers = {camera: number for number, camera in enumerate(sorted(self._plan.cameras))}
        left = Counter(self._plan.frames)
        for camera in self._plan.cameras:
            if not left[camera]:
                self._take(self._pairer.end(camera))
        for number, message in enumerate(BagReader(self._plan.path).messages(cameras)):
            camera = cameras[message.topic]
            image = BagImage(camera=camera, message=message)
            self._cells.extend([message.log_time_ns, _stamp(image), numbers[camera], Fate.UNUSABLE, 0, _UNKNOWN, 0])
            self._cells.extend([0] * (self._columns - _COLUMNS))
            self._add(number, image)
            left[camera] -= 1
            if not left[camera]:  # so that nothing waits for a camera that is at its end
                self._take(self._pairer.end(camera))
        self._take(self._pairer.end_all())

    def cells(self) -> NDArray[np.int64]:
        """int64 (rows, columns)."""
        return np.frombuffer(self._cells, np.int64).reshape(-1, self._columns)

    def _add(self, number: int, image: BagImage) -> None:
        stamp_ns = image.stamp_ns
        try:
            image.frame()
        except FrameError:
            return
        if stamp_ns is None:
            return
        if stamp_ns in self._seen[image.camera]:
            self._set(number, _FATE, Fate.DUPLICATE)
            return
        self._seen[image.camera].add(stamp_ns)
        self._take(self._pairer.add(image.camera, _Row(number, stamp_ns)))

    def _take(self, outcomes: Iterable[Outcome[_Row]]) -> None:
        for outcome in outcomes:
            if isinstance(outcome, UnpairedFrame):
                number = outcome.frame.number
                self._set(number, _FATE, Fate.UNPAIRED)
                self._set(number, _MISSING, outcome.missing or 0)
                self._set(number, _NEAREST, _UNKNOWN if outcome.nearest_ns is None else outcome.nearest_ns)
                continue
            first, *others = (row.number for row in outcome.frames)
            self._set(first, _FATE, Fate.FIRST)
            self._set(first, _AGAIN, sum((not fresh) << index for index, fresh in enumerate(outcome.is_first_use[1:])))
            for index, other in enumerate(others):
                self._set(other, _FATE, Fate.PARTNER)
                self._set(first, _COLUMNS + index, other)

    def _set(self, row: int, column: int, value: int) -> None:
        self._cells[row * self._columns + column] = value


def _stamp(image: BagImage) -> int:
    stamp_ns = image.stamp_ns
    return _UNKNOWN if stamp_ns is None else stamp_ns
