"""Intersection over union against plain sets of pixels."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from trt_perception.validate.confusion_matrix import ConfusionMatrix

MASK = arrays.arrays(np.uint8, (4, 5), elements=st.sampled_from([0, 1, 2, 255]))


@given(predicted=MASK, truth=MASK)
def test_iou_equals_that_of_pixel_sets(predicted: np.ndarray, truth: np.ndarray) -> None:
    matrix = ConfusionMatrix(3)
    matrix.add(predicted, truth)
    for class_id, iou in enumerate(matrix.iou()):
        counted = truth != 255
        has = {tuple(p) for p in np.argwhere((truth == class_id) & counted)}
        given_ = {tuple(p) for p in np.argwhere((predicted == class_id) & counted)}
        assert iou == (len(has & given_) / len(has | given_) if has | given_ else None)


@given(first=MASK, second=MASK, truth=MASK)
def test_merged_counts_equal_counts_of_all_images(first: np.ndarray, second: np.ndarray, truth: np.ndarray) -> None:
    whole, left, right = ConfusionMatrix(3), ConfusionMatrix(3), ConfusionMatrix(3)
    for predicted, part in ((first, left), (second, right)):
        whole.add(predicted, truth)
        part.add(predicted, truth)
    left.merge(right)
    assert (whole.counts == left.counts).all()


@given(predicted=MASK, truth=MASK)
def test_every_pixel_with_a_true_class_is_counted_in_its_cell(predicted: np.ndarray, truth: np.ndarray) -> None:
    matrix = ConfusionMatrix(3)
    matrix.add(predicted.T, np.asfortranarray(truth).T)
    expected = np.zeros((3, 4), np.int64)
    for one, other in zip(truth.ravel().tolist(), predicted.ravel().tolist(), strict=True):
        if one != 255:
            expected[one, min(other, 3)] += 1
    np.testing.assert_array_equal(matrix.counts, expected)


def test_counts_beyond_those_of_float32_are_exact() -> None:
    masks = np.zeros((4099, 4099), np.uint8)  # an odd number above 2^24
    matrix = ConfusionMatrix(2)
    matrix.add(masks, masks)
    assert matrix.counts.tolist() == [[4099 * 4099, 0, 0], [0, 0, 0]]


@pytest.mark.parametrize(
    ("predicted", "truth", "named"),
    [
        pytest.param(2, 0, "predicted has ids", id="predicted"),
        pytest.param(2, 255, "predicted has ids", id="predicted_where_nothing_is_true"),
        pytest.param(0, 254, "truth has ids", id="truth"),
    ],
)
def test_refuses_ids_that_are_no_class(predicted: int, truth: int, named: str) -> None:
    with pytest.raises(ValueError, match=named):
        ConfusionMatrix(2).add(np.full((2, 2), predicted, np.uint8), np.full((2, 2), truth, np.uint8))
