"""Boxes of two runs that are the same object."""

from __future__ import annotations

import pytest
from helpers.validation_records import Found, make_detections
from hypothesis import given
from hypothesis import strategies as st

from trt_perception.validate.box_pairs import pair_boxes

BOX = [10.0, 10.0, 50.0, 50.0]
NEAR = [14.0, 10.0, 54.0, 50.0]
FAR = [200.0, 10.0, 240.0, 50.0]

rows = st.lists(
    st.tuples(
        st.tuples(st.integers(0, 30), st.integers(0, 30), st.integers(35, 60), st.integers(35, 60)).map(list),
        st.floats(0.1, 0.9),
        st.integers(0, 2),
    ),
    max_size=6,
)


@given(rows)
def test_a_run_is_paired_with_itself_box_by_box(found: Found) -> None:
    detections = make_detections(found)
    pairs = pair_boxes(detections, detections)
    assert sorted(pairs.here.tolist()) == sorted(pairs.baseline.tolist()) == list(range(len(detections)))
    assert pairs.iou == pytest.approx(1.0)
    assert pairs.same_class.all()


@given(rows, rows)
def test_pairs_are_one_to_one_overlap_and_do_not_depend_on_the_side(one: Found, other: Found) -> None:
    here, baseline = make_detections(one), make_detections(other)
    pairs = pair_boxes(here, baseline)
    assert len(set(pairs.here.tolist())) == len(set(pairs.baseline.tolist())) == len(pairs.iou)
    assert (pairs.iou >= 0.5).all()
    assert pairs.same_class.tolist() == (here.class_ids[pairs.here] == baseline.class_ids[pairs.baseline]).tolist()
    assert len(pair_boxes(baseline, here).iou) == len(pairs.iou)


@pytest.mark.parametrize(
    ("here", "baseline", "expected"),
    [
        pytest.param([(BOX, 0.9, 0)], [(NEAR, 0.8, 0)], [(0, 0, True)], id="moved"),
        pytest.param([(BOX, 0.9, 1)], [(NEAR, 0.8, 0)], [(0, 0, False)], id="other_class"),
        pytest.param([(BOX, 0.9, 0)], [(FAR, 0.8, 0)], [], id="elsewhere"),
        pytest.param([(BOX, 0.9, 0)], [(BOX, 0.8, 1), (NEAR, 0.7, 0)], [(0, 1, True)], id="own_class_first"),
        pytest.param([(BOX, 0.9, 0)], [(NEAR, 0.8, 0), (BOX, 0.7, 0)], [(0, 1, True)], id="largest_overlap_first"),
        pytest.param([], [(BOX, 0.8, 0)], [], id="nothing_here"),
    ],
)
def test_takes_the_own_class_first_then_the_largest_overlap(
    here: Found, baseline: Found, expected: list[tuple[int, int, bool]]
) -> None:
    pairs = pair_boxes(make_detections(here), make_detections(baseline))
    assert list(zip(pairs.here.tolist(), pairs.baseline.tolist(), pairs.same_class.tolist(), strict=True)) == expected
