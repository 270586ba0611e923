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


def test_refuses_ids_that_are_no_class() -> None:
    with pytest.raises(ValueError, match="predicted has ids"):
        ConfusionMatrix(2).add(np.full((2, 2), 2, np.uint8), np.zeros((2, 2), np.uint8))
