"""Boxes and masks out of raw outputs, against worked-out cases."""

from __future__ import annotations

import math

import numpy as np
import pytest

pytest.importorskip("torch", reason="the strides come from the network, which is written in torch")

from training.decode import decode_detections, decode_mask, suppress

HEIGHT, WIDTH = 64, 96
CELLS = 8 * 12 + 4 * 6 + 2 * 3


def test_one_cell_gives_one_box() -> None:
    cells = np.zeros((CELLS, 7), np.float32)
    row = 96 + 6 + 2  # stride 16, second row, third column
    cells[row] = [0.5, 0.25, math.log(2.0), 0.0, 0.9, 0.1, 0.8]
    found = decode_detections(cells, HEIGHT, WIDTH)
    best = found.scores.argmax()
    np.testing.assert_allclose(found.boxes[best], [40 - 16, 20 - 8, 40 + 16, 20 + 8], rtol=1e-5)
    assert found.class_ids[best] == 1
    assert found.scores[best] == pytest.approx(0.72)


def test_boxes_end_at_the_picture() -> None:
    cells = np.zeros((CELLS, 6), np.float32)
    cells[0] = [0.5, 0.5, 3.0, 3.0, 1.0, 1.0]
    assert decode_detections(cells, HEIGHT, WIDTH).boxes.tolist() == [
        [0.0, 0.0, pytest.approx(4 + 4 * math.exp(3)), HEIGHT]
    ]


def test_nothing_gives_nothing() -> None:
    assert len(decode_detections(np.zeros((CELLS, 6), np.float32), HEIGHT, WIDTH)) == 0


def test_suppression_keeps_the_best_of_each_class() -> None:
    boxes = np.array([[0, 0, 10, 10], [1, 0, 11, 10], [1, 0, 11, 10], [30, 0, 40, 10]], np.float32)
    assert suppress(boxes, np.array([0, 0, 1, 0]), 0.5).tolist() == [0, 2, 3]


def test_mask_is_interpolated_before_the_largest_wins() -> None:
    logits = np.zeros((2, 2, 2), np.float32)
    logits[1, :, 1] = 3.0
    logits[0, :, 0] = 1.0
    mask = decode_mask(logits, 8, 8)
    # 1 - t against 3 t at t = (x + 0.5) / 4 - 0.5: the border lies left of the middle.
    assert mask[0].tolist() == [0, 0, 0, 1, 1, 1, 1, 1]
