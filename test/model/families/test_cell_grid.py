"""Counting cells: published prediction counts of real detectors tell their grids."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trt_perception.model.families.cell_grid import STRIDE_SETS, find_grid, grid


@pytest.mark.parametrize(
    ("count", "width", "height", "anchors", "words"),
    [
        pytest.param(8400, 640, 640, 1, "8400 cells = 80x80 + 40x40 + 20x20", id="yolov8_640"),
        pytest.param(3549, 416, 416, 1, "3549 cells = 52x52 + 26x26 + 13x13", id="yolox_nano_416"),
        pytest.param(25200, 640, 640, 3, "25200 predictions = 3 x (80x80 + 40x40 + 20x20)", id="yolov5_640"),
        pytest.param(10710, 544, 960, 1, "10710 cells = 68x120 + 34x60 + 17x30", id="portrait"),
        pytest.param(34000, 1280, 1280, 1, "34000 cells = 160x160 + 80x80 + 40x40 + 20x20", id="p6_1280"),
        pytest.param(2000, 640, 640, 1, "2000 cells = 40x40 + 20x20", id="two_scales"),
    ],
)
def test_finds_the_grid_of_a_count(count: int, width: int, height: int, anchors: int, words: str) -> None:
    assert str(find_grid(count, width=width, height=height, anchors=anchors)) == words


@pytest.mark.parametrize("count", [300, 100, 900, 8399, 1])
def test_other_counts_are_no_grid(count: int) -> None:
    assert find_grid(count, width=640, height=640) is None


@given(st.integers(1, 4096), st.integers(1, 4096), st.sampled_from(STRIDE_SETS))
def test_a_size_that_does_not_divide_is_rounded_up(width: int, height: int, strides: tuple[int, ...]) -> None:
    found = grid(width, height, strides)
    expected = sum(len(range(0, width, stride)) * len(range(0, height, stride)) for stride in strides)
    assert found.count == expected
    assert find_grid(found.count, width=width, height=height) is not None
