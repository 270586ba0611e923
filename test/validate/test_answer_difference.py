"""The same answer is the same whatever its order; another one is named for what differs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trt_perception.validate.answer_difference import AnswerDifference
from trt_perception.validate.head_answer import BoxAnswer, MaskAnswer
from trt_perception.validate.live_comparison import ProblemKind
from trt_perception.validate.live_tolerance import LiveTolerance

Row = tuple[str, float, list[float]]

edges = st.floats(0, 500, width=32)
rows = st.lists(
    st.tuples(
        st.sampled_from(["car", "truck", "person"]),
        st.floats(0.3125, 1.0, width=32),
        st.tuples(edges, edges, edges, edges).map(
            lambda e: [min(e[0], e[2]), min(e[1], e[3]), *map(max, e[:2], e[2:])]
        ),
    ),
    max_size=8,
)
"""Boxes of no width and boxes that are there twice among them."""

CAR: Row = ("car", 0.8, [10.0, 10.0, 50.0, 40.0])
TRUCK: Row = ("truck", 0.6, [100.0, 20.0, 130.0, 60.0])


def answer(found: list[Row], *, frame_id: str = "optical", stray: int = 0) -> BoxAnswer:
    return BoxAnswer(
        stamp_ns=1,
        frame_id=frame_id,
        labels=tuple(row[0] for row in found),
        scores=np.array([row[1] for row in found], np.float64),
        boxes=np.array([row[2] for row in found], np.float64).reshape(-1, 4),
        stray_headers=stray,
    )


def kinds(live: list[Row], offline: list[Row], *, score: float = 0.3, **tolerance: float) -> list[str]:
    difference = AnswerDifference(LiveTolerance(**tolerance), score=score)
    return sorted(kind.value for kind, _ in difference.of_boxes(answer(live), answer(offline)))


@given(rows, st.randoms(use_true_random=False))
def test_an_answer_equals_itself_in_any_order(found: list[Row], random: object) -> None:
    mixed = list(found)
    random.shuffle(mixed)  # type: ignore[attr-defined]
    difference = AnswerDifference(LiveTolerance(pixels=0.0, score=0.0), score=0.3)
    assert list(difference.of_boxes(answer(mixed), answer(found))) == []
    assert (difference.largest.boxes, difference.largest.pixels, difference.largest.score) == (len(found), 0.0, 0.0)


@given(rows, rows)
def test_every_box_is_the_same_or_named_and_no_side_is_preferred(live: list[Row], offline: list[Row]) -> None:
    swapped = {"only_live": "only_offline", "only_offline": "only_live"}
    there = AnswerDifference(LiveTolerance(), score=0.3)
    found = [kind.value for kind, _ in there.of_boxes(answer(live), answer(offline))]
    pairs = sum(kind not in swapped for kind in found)
    named = 2 * (there.largest.boxes + pairs) + len(found) - pairs + there.largest.borderline
    assert named == len(live) + len(offline)
    assert sorted(swapped.get(kind, kind) for kind in found) == kinds(offline, live)


@given(rows.filter(bool), st.floats(0.6, 200), st.integers(0, 3), st.data())
def test_a_box_that_is_moved_beyond_the_tolerance_is_never_the_same(
    found: list[Row], shift: float, edge: int, data: st.DataObject
) -> None:
    index = data.draw(st.integers(0, len(found) - 1))
    label, score, box = found[index]
    moved = [*found[:index], (label, score, [x + shift * (i == edge) for i, x in enumerate(box)]), *found[index + 1 :]]
    difference = AnswerDifference(LiveTolerance(), score=0.0)
    list(difference.of_boxes(answer(moved), answer(found)))
    others = [row for row in found[:index] + found[index + 1 :] if row[0] == label]
    if not others:  # else it may have taken another one's place
        assert difference.largest.boxes == len(found) - 1


@pytest.mark.parametrize(
    ("live", "expected"),
    [
        pytest.param([CAR, TRUCK], [], id="same"),
        pytest.param([TRUCK, ("car", 0.805, [10.4, 10.0, 50.0, 39.6])], [], id="within_the_tolerance"),
        pytest.param([("car", 0.8, [10.6, 10.0, 50.6, 40.0]), TRUCK], ["moved"], id="shifted"),
        pytest.param([("car", 0.82, CAR[2]), TRUCK], ["score"], id="other_score"),
        pytest.param([("truck", 0.8, CAR[2]), TRUCK], ["label"], id="other_label"),
        pytest.param([("car", 0.8, [300.0, 10.0, 340.0, 40.0]), TRUCK], ["only_live", "only_offline"], id="elsewhere"),
        pytest.param([TRUCK], ["only_offline"], id="lost"),
        pytest.param([CAR, CAR, TRUCK], ["only_live"], id="there_twice"),
        pytest.param([], ["only_offline", "only_offline"], id="empty"),
        pytest.param([CAR, TRUCK, ("car", 0.305, [200.0, 0.0, 210.0, 9.0])], [], id="at_the_operating_score"),
        pytest.param([CAR, TRUCK, ("car", 0.32, [200.0, 0.0, 210.0, 9.0])], ["only_live"], id="above_it"),
    ],
)
def test_names_what_differs(live: list[Row], expected: list[str]) -> None:
    assert kinds(live, [CAR, TRUCK]) == expected


def test_an_overlap_can_be_enough() -> None:
    moved: Row = ("car", 0.8, [11.0, 10.0, 51.0, 40.0])  # IoU 39 / 41
    assert kinds([moved], [CAR]) == ["moved"]
    assert kinds([moved], [CAR], iou=0.95) == []
    assert kinds([moved], [CAR], iou=0.96) == ["moved"]


def test_says_both_sides_figures() -> None:
    difference = AnswerDifference(LiveTolerance(), score=0.3)
    moved = ("car", 0.8, [13.0, 10.0, 53.0, 40.0])
    ((kind, text),) = difference.of_boxes(answer([moved]), answer([CAR]))
    assert kind is ProblemKind.MOVED
    assert text == "car 0.800 at [13.0 10.0 53.0 40.0] live: an edge is 3.00 px from offline, at most 0.5 px"


def test_names_other_headers() -> None:
    difference = AnswerDifference(LiveTolerance(), score=0.3)
    found = list(difference.of_boxes(answer([CAR], frame_id="lidar", stray=1), answer([CAR])))
    assert [kind for kind, _ in found] == [ProblemKind.HEADER, ProblemKind.HEADER]
    assert found[0][1] == "frame_id 'lidar' live, 'optical' offline"


@pytest.mark.parametrize(
    ("changed", "differs"), [pytest.param(3, False, id="within"), pytest.param(4, True, id="beyond_the_share")]
)
def test_masks_may_differ_in_a_share_of_their_pixels(changed: int, differs: bool) -> None:
    offline = MaskAnswer(stamp_ns=1, frame_id="optical", class_ids=np.zeros((30, 100), np.uint8))
    pixels = offline.class_ids.copy()
    pixels.reshape(-1)[:changed] = 2
    difference = AnswerDifference(LiveTolerance(mask_share=0.001), score=0.3)
    found = list(difference.of_masks(replace(offline, class_ids=pixels), offline))
    assert [kind for kind, _ in found] == [ProblemKind.MASK] * differs
    assert difference.largest.mask_share == (0.0 if differs else 0.001)


def test_masks_of_other_sizes_differ() -> None:
    masks = [MaskAnswer(stamp_ns=1, frame_id="", class_ids=np.zeros((rows, 4), np.uint8)) for rows in (3, 6)]
    ((_, text),) = AnswerDifference(LiveTolerance(), score=0.3).of_masks(*masks)
    assert text == "mask of 4x3 live, 4x6 offline"
