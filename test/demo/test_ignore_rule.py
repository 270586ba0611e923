"""The ignore rule drops what is small, hidden or cut off, each at its stated bound."""

from typing import Any

import numpy as np
import pytest

from trt_perception.demo import GroundTruth, IgnoreRule
from trt_perception.errors import ConfigError


def truth_of(rows: list[tuple[float, float, float, float]]) -> GroundTruth:
    """Objects of width, height, visible fraction and truncation."""
    table = np.array(rows, dtype=np.float32).reshape(-1, 4)
    count = len(table)
    boxes = np.column_stack([np.full(count, 5), np.full(count, 7), 5 + table[:, 0], 7 + table[:, 1]])
    return GroundTruth(
        boxes=boxes.astype(np.float32),
        class_ids=np.zeros(count, dtype=np.int32),
        track_ids=np.arange(count, dtype=np.int64),
        visible_fraction=table[:, 2],
        truncation=table[:, 3],
        mask=np.zeros((64, 64), dtype=np.uint8),
        boxes_3d=np.zeros((count, 7), dtype=np.float32),
    )


@pytest.mark.parametrize(
    ("row", "evaluated"),
    [
        pytest.param((12.0, 40.0, 1.0, 0.0), True, id="narrowest"),
        pytest.param((11.9, 40.0, 1.0, 0.0), False, id="too_narrow"),
        pytest.param((40.0, 11.9, 1.0, 0.0), False, id="too_low"),
        pytest.param((40.0, 40.0, 0.36, 0.0), True, id="mostly_hidden"),
        pytest.param((40.0, 40.0, 0.34, 0.0), False, id="too_hidden"),
        pytest.param((40.0, 40.0, 1.0, 0.59), True, id="mostly_outside"),
        pytest.param((40.0, 40.0, 1.0, 0.61), False, id="too_far_outside"),
    ],
)
def test_evaluates_what_can_be_seen(row: tuple[float, float, float, float], evaluated: bool) -> None:
    assert IgnoreRule().evaluated(truth_of([row])).tolist() == [evaluated]


def test_of_no_objects_none_is_evaluated() -> None:
    assert IgnoreRule().evaluated(truth_of([])).shape == (0,)


@pytest.mark.parametrize(
    ("name", "value"), [("min_side_px", -1.0), ("min_visible_fraction", 1.5), ("max_truncation", "half")]
)
def test_refuses_bounds_that_mean_nothing(name: str, value: Any) -> None:
    with pytest.raises(ConfigError, match=name):
        IgnoreRule(**{name: value})
