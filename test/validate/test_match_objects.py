"""Boxes of two sides are paired: overlap as pycocotools has it, one find for one object."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trt_perception.detections import Detections
from trt_perception.validate.match_objects import box_iou, unmatched

EDGE, SIDE = st.integers(0, 50), st.integers(1, 50)
BOX = st.tuples(EDGE, EDGE, SIDE, SIDE).map(lambda box: (box[0], box[1], box[0] + box[2], box[1] + box[3]))


@given(st.lists(BOX, min_size=1, max_size=5), st.lists(BOX, min_size=1, max_size=5))
def test_overlap_is_that_of_pycocotools(one: list[tuple[int, ...]], other: list[tuple[int, ...]]) -> None:
    mask = pytest.importorskip("pycocotools.mask", reason="the reference")
    first, second = (np.array(boxes, np.float32) for boxes in (one, other))
    sized = [np.concatenate([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], axis=1) for boxes in (first, second)]
    expected = mask.iou(sized[0].astype(np.float64), sized[1].astype(np.float64), [0] * len(second))
    assert np.allclose(box_iou(first, second), expected, atol=1e-6)


def test_no_boxes_overlap_nothing() -> None:
    empty = Detections.empty().boxes
    assert box_iou(empty, np.ones((3, 4), np.float32)).shape == (0, 3)
    assert not box_iou(np.zeros((1, 4), np.float32), np.zeros((1, 4), np.float32)).any()


def found(*items: tuple[float, float, int]) -> Detections:
    """Boxes of 10 x 10 px by left edge, score and class."""
    boxes = np.array([(x, 0, x + 10, 10) for x, _, _ in items], np.float32).reshape(-1, 4)
    return Detections(
        boxes=boxes,
        scores=np.array([score for _, score, _ in items], np.float32),
        class_ids=np.array([kind for _, _, kind in items], np.int32),
    )


@pytest.mark.parametrize(
    ("objects", "others", "missed"),
    [
        pytest.param(found((0, 0.9, 0)), found((0, 0.9, 0)), 0, id="the same"),
        pytest.param(found((0, 0.9, 0)), found((0, 0.9, 1)), 1, id="another class"),
        pytest.param(found((0, 0.9, 0)), found((0, 0.2, 0)), 1, id="score too low"),
        pytest.param(found((0, 0.3, 0)), found(), 0, id="no object by its score"),
        pytest.param(found((0, 0.9, 0)), found((4, 0.9, 0)), 1, id="too far"),
        pytest.param(found((0, 0.9, 0), (1, 0.8, 0)), found((0, 0.9, 0)), 1, id="one find serves one object"),
        pytest.param(found((0, 0.9, 0), (1, 0.8, 0)), found((1, 0.9, 0), (0, 0.9, 0)), 0, id="each takes its nearest"),
    ],
)
def test_objects_without_a_find_are_missed(objects: Detections, others: Detections, missed: int) -> None:
    assert len(unmatched(objects, others, score=0.35, found_score=0.25, iou=0.5)) == missed
