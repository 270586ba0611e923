"""Numbers in an instance mask follow the detections that are kept."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from trt_perception.instance_detections import InstanceDetections


def make(count: int, instance_ids: Any) -> InstanceDetections:
    return InstanceDetections(
        boxes=np.zeros((count, 4), np.float32),
        scores=np.linspace(1, 0.5, count).astype(np.float32),
        class_ids=np.arange(count, dtype=np.int32),
        instance_ids=instance_ids,
    )


@pytest.mark.parametrize(
    "index", [np.array([False, True, True]), np.array([1, 2], np.intp)], ids=["as_a_mask", "as_positions"]
)
def test_a_selection_is_numbered_anew(index: Any) -> None:
    kept = make(3, np.array([[0, 1, 2, 3]], np.uint8)).select(index)
    assert kept.class_ids.tolist() == [1, 2]
    assert kept.instance_ids.tolist() == [[0, 0, 1, 2]]


def test_an_order_of_positions_is_the_order_of_the_numbers() -> None:
    assert make(2, np.array([[1, 2]], np.uint8)).select(np.array([1, 0], np.intp)).instance_ids.tolist() == [[2, 1]]


def test_255_detections_can_be_numbered() -> None:
    kept = make(255, np.array([[255]], np.uint8)).select(np.arange(254, -1, -1))
    assert kept.instance_ids.tolist() == [[1]]


@pytest.mark.parametrize(
    ("count", "ids", "problem"),
    [
        (1, np.zeros((2, 2), np.uint16), r"uint8 \(h, w\), got uint16 \(2, 2\)"),
        (1, np.zeros(4, np.uint8), r"got uint8 \(4,\)"),
        (256, np.zeros((2, 2), np.uint8), "at most 255 detections, got 256"),
    ],
    ids=["dtype", "axes", "too_many"],
)
def test_what_does_not_fit_is_refused(count: int, ids: Any, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        make(count, ids)
