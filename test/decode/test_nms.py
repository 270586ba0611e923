"""NMS keeps what the plain greedy loop keeps, in the same order, class by class."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from trt_perception.decode.nms import class_aware_nms

GRID = st.integers(0, 12).map(float)
FINE = st.floats(0, 200, width=32)


@st.composite
def candidates(draw: st.DrawFn) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.int32]]:
    """Boxes on a coarse grid, so that equal overlaps, equal scores and equal boxes are common, or anywhere."""
    count = draw(st.integers(0, 40))
    side = draw(st.sampled_from([GRID, FINE]))
    corners = np.array(draw(st.lists(side, min_size=4 * count, max_size=4 * count)), np.float32).reshape(count, 4)
    boxes = np.concatenate((np.minimum(corners[:, :2], corners[:, 2:]), np.maximum(corners[:, :2], corners[:, 2:])), 1)
    scores = draw(st.lists(st.sampled_from([0.1, 0.3, 0.30000001, 0.5, 0.9]), min_size=count, max_size=count))
    classes = draw(st.lists(st.integers(0, 2), min_size=count, max_size=count))
    return boxes, np.array(scores, np.float32), np.array(classes, np.int32)


@settings(max_examples=300, deadline=None)
@given(case=candidates(), iou=st.sampled_from([0.0, 0.1, 1 / 3, 0.45, 0.5, 0.7, 1.0]), limit=st.integers(1, 45))
def test_keeps_what_the_plain_loop_keeps(
    case: tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.int32]], iou: float, limit: int
) -> None:
    kept = class_aware_nms(*case, iou=iou, max_detections=limit)
    assert kept.dtype == np.intp
    assert kept.tolist() == plain_nms(*case, iou=iou, limit=limit)


@pytest.mark.parametrize("count", [63, 64, 65, 500])
def test_more_boxes_than_a_block_are_the_same_loop(count: int) -> None:
    random = np.random.default_rng(count)
    corner = random.uniform(0, 100, (count, 2))
    boxes = np.concatenate((corner, corner + random.uniform(1, 40, (count, 2))), axis=1).astype(np.float32)
    scores = (random.integers(0, 50, count) / 50).astype(np.float32)
    classes = random.integers(0, 3, count).astype(np.int32)
    kept = class_aware_nms(boxes, scores, classes, iou=0.45, max_detections=300)
    assert kept.tolist() == plain_nms(boxes, scores, classes, iou=0.45, limit=300)


def test_classes_do_not_touch_each_other_wherever_the_boxes_lie() -> None:
    """Tricks that move each class by an offset lose the digits of large coordinates; ids may be large as well."""
    boxes = np.array([[16000.25, 0, 16001.25, 1], [16000.75, 0, 16001.75, 1]] * 2, np.float32)
    scores = np.array([0.9, 0.8, 0.7, 0.6], np.float32)
    kept = class_aware_nms(boxes, scores, np.array([0, 0, 9000, 9000]), iou=0.3, max_detections=9)
    assert kept.tolist() == [0, 2]
    kept = class_aware_nms(boxes, scores, np.array([0, 0, 9000, 9000]), iou=1 / 3 + 1e-9, max_detections=9)
    assert kept.tolist() == [0, 1, 2, 3]


def test_an_overlap_of_exactly_the_limit_stays() -> None:
    boxes = np.array([[0, 0, 4, 4], [0, 0, 4, 2]], np.float32)
    scores, classes = np.array([0.9, 0.8], np.float32), np.zeros(2, np.int32)
    assert class_aware_nms(boxes, scores, classes, iou=0.5, max_detections=9).tolist() == [0, 1]
    assert class_aware_nms(boxes, scores, classes, iou=0.4999, max_detections=9).tolist() == [0]


def test_a_suppressed_box_suppresses_nothing() -> None:
    boxes = np.array([[0, 0, 10, 10], [4, 0, 14, 10], [8, 0, 18, 10]], np.float32)
    kept = class_aware_nms(boxes, np.array([0.9, 0.8, 0.7]), np.zeros(3, np.int32), iou=0.4, max_detections=9)
    assert kept.tolist() == [0, 2]


def test_equal_scores_go_by_index() -> None:
    boxes = np.array([[0, 0, 10, 10], [1, 0, 11, 10], [50, 0, 60, 10]], np.float32)
    kept = class_aware_nms(boxes, np.full(3, 0.5), np.zeros(3, np.int32), iou=0.4, max_detections=9)
    assert kept.tolist() == [0, 2]


def plain_nms(
    boxes: NDArray[np.float32], scores: NDArray[np.float32], classes: NDArray[np.int32], *, iou: float, limit: int
) -> list[int]:
    """Two loops over Python numbers."""
    kept: list[int] = []
    for index in sorted(range(len(scores)), key=lambda i: (-float(scores[i]), i)):
        if all(classes[index] != classes[other] or overlap(boxes[index], boxes[other]) <= iou for other in kept):
            kept.append(index)
    return kept[:limit]


def overlap(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    ax1, ay1, ax2, ay2 = map(float, a)
    bx1, by1, bx2, by2 = map(float, b)
    common = max(0.0, min(ax2, bx2) - max(ax1, bx1)) * max(0.0, min(ay2, by2) - max(ay1, by1))
    union = (ax2 - ax1) * (ay2 - ay1) + (bx2 - bx1) * (by2 - by1) - common
    return common / union if union > 0 else 0.0
