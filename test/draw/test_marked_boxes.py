"""Boxes of three kinds, each with its own line."""

from __future__ import annotations

import numpy as np
import pytest

from trt_perception.draw.marked_boxes import BoxMark, MarkedBox, draw_marked_boxes

GREY = np.full((120, 200, 3), 100, np.uint8)


def drawn(mark: BoxMark, *, text: str = "", width: int = 200) -> np.ndarray:
    """bool (h, w): which pixels changed."""
    box = MarkedBox(box=(40.0, 30.0, 160.0, 90.0), mark=mark, text=text)
    return (draw_marked_boxes(GREY, [box], width=width) != 100).any(axis=2)


def test_the_three_kinds_differ_by_their_lines_not_by_colour_alone() -> None:
    right, missed, false = (drawn(mark) for mark in BoxMark)
    assert right[30, 50:150].all()
    assert false[30, 50:150].all()
    assert 0.3 < missed[30, 50:150].mean() < 0.8  # dashes
    assert right[:, 100].sum() == 2
    assert false[:, 100].sum() > 2 * right[:, 100].sum() - 1  # thicker
    assert not right[50:70, 60:140].any()


def test_the_image_is_kept_and_the_picture_is_no_wider_than_asked() -> None:
    before = GREY.copy()
    small = drawn(BoxMark.FALSE, width=100)
    assert small.shape == (60, 100)
    assert small[15, 25:75].all()
    assert drawn(BoxMark.RIGHT, width=4000).shape == (120, 200)
    assert (before == GREY).all()


@pytest.mark.parametrize("mark", list(BoxMark))
def test_a_label_stands_at_its_box(mark: BoxMark) -> None:
    more = drawn(mark, text="car 0.5") & ~drawn(mark)
    rows, columns = np.nonzero(more)
    assert rows.size > 50
    assert rows.max() <= 31
    assert columns.min() >= 39
