"""The grid cells of anchor-free and anchor-based detectors, counted: n predictions tell strides and anchors."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

STRIDE_SETS: tuple[tuple[int, ...], ...] = ((8, 16, 32), (8, 16, 32, 64), (4, 8, 16, 32), (16, 32))
"""Strides of the usual detectors; with P6, with P2, and of the tiny ones with two scales."""


@dataclass(frozen=True, kw_only=True)
class CellGrid:
    """Cells of all scales of one network size.

    Args:
        strides: Network pixels a cell, finest first.
        cells: (columns, rows) for each stride.
        anchors: Predictions a cell.
    """

    strides: tuple[int, ...]
    cells: tuple[tuple[int, int], ...]
    anchors: int = 1

    @property
    def count(self) -> int:
        """Predictions of all scales."""
        return self.anchors * sum(columns * rows for columns, rows in self.cells)

    def __str__(self) -> str:
        sums = " + ".join(f"{columns}x{rows}" for columns, rows in self.cells)
        factor = f"{self.anchors} x ({sums})" if self.anchors > 1 else sums
        return f"{self.count} cells = {factor}" if self.anchors == 1 else f"{self.count} predictions = {factor}"


def grid(width: int, height: int, strides: tuple[int, ...], anchors: int = 1) -> CellGrid:
    """The grid of a network size; what a stride does not divide is rounded up, as convolutions with padding do."""
    cells = tuple((-(-width // stride), -(-height // stride)) for stride in strides)
    return CellGrid(strides=strides, cells=cells, anchors=anchors)


def find_grid(count: int, *, width: int, height: int, anchors: int = 1) -> CellGrid | None:
    """The grid that has `count` predictions at this network size, if one of the usual ones has."""
    return next((found for found in _grids(width, height, anchors) if found.count == count), None)


def _grids(width: int, height: int, anchors: int) -> Iterator[CellGrid]:
    return (grid(width, height, strides, anchors) for strides in STRIDE_SETS)
