"""COCO's curve of precision over recall, from detections that come some at a time, best first."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from trt_perception.validate.precision_table import RECALLS, THRESHOLDS

_BITS = np.left_shift(1, np.arange(THRESHOLDS)).astype(np.uint16)
_EPSILON = np.spacing(1)


class PrecisionCurve:
    """One class: what COCOeval.accumulate makes of it, to the bit, in memory that does not grow.

    That the precision is the best at this recall or any higher one leaves detections to count where an object is
    found, and nowhere else; and of those between two of COCO's 101 recalls, the best one.

    Args:
        objects: int64 (sizes,), those that count.
    """

    def __init__(self, objects: NDArray[np.int64]) -> None:
        self._objects = objects
        self._hits: NDArray[np.int64] = np.zeros((len(objects), THRESHOLDS), np.int64)
        self._counted: NDArray[np.int64] = np.zeros((len(objects), THRESHOLDS), np.int64)
        self._best: NDArray[np.float64] = np.zeros((THRESHOLDS, len(RECALLS), len(objects)))
        self._firsts = [_first_hits(count) for count in objects.tolist()]

    def add(self, rows: NDArray[Any]) -> None:
        """The next best detections: rows of match_file.MATCH."""
        for size, first in enumerate(self._firsts):
            if self._objects[size]:
                self._add(size, first, unpacked(rows["matched"][:, size]), ~unpacked(rows["ignored"][:, size]))

    def _add(self, size: int, first: NDArray[np.int64], matched: NDArray[np.bool_], counts: NDArray[np.bool_]) -> None:
        hit = matched & counts
        hits = self._hits[size][:, None] + np.cumsum(hit, axis=1)
        counted = self._counted[size][:, None] + np.cumsum(counts, axis=1)
        threshold, place = np.nonzero(hit)
        number = hits[threshold, place]
        precision = number / (counted[threshold, place] + _EPSILON)
        recall = np.searchsorted(first, number, side="right") - 1
        np.maximum.at(self._best[:, :, size], (threshold, recall), precision)
        if hit.shape[1]:
            self._hits[size], self._counted[size] = hits[:, -1], counted[:, -1]

    def precision(self) -> NDArray[np.float64]:
        """float64 (thresholds, recalls, sizes); -1 where the size has no object that counts."""
        falling = np.maximum.accumulate(self._best[:, ::-1], axis=1)[:, ::-1]
        return np.where(self._objects == 0, -1.0, falling)


def packed(flags: NDArray[Any]) -> NDArray[np.uint16]:
    """uint16 (n,): a bit for every threshold of (thresholds, n)."""
    return np.asarray((_BITS[:, None] * (flags != 0)).sum(axis=0), np.uint16)


def unpacked(bits: NDArray[np.uint16]) -> NDArray[np.bool_]:
    """bool (thresholds, n)."""
    return np.asarray(bits[None, :] & _BITS[:, None] != 0)


def _first_hits(objects: int) -> NDArray[np.int64]:
    """int64 (recalls,): which object found, from 1 on, is the first that gives each recall."""
    guess = np.maximum(np.floor(RECALLS * objects).astype(np.int64) - 1, 1)
    for _ in range(3):  # as COCOeval compares: the quotient, which may be rounded to either side
        guess += guess / max(objects, 1) < RECALLS
    return guess
