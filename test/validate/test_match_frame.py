"""Which detection is which object, at the operating point."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trt_perception.detections import Detections
from trt_perception.validate.frame_record import BELOW_SCORE, FALSE_ALARM, NOT_FOUND, NOT_KNOWN, ON_IGNORED, RecordTruth
from trt_perception.validate.match_frame import match_frame

LABELS = ("car", "bus")
BOX = (10.0, 10.0, 20.0, 20.0)
NEAR = (10.0, 10.0, 20.0, 19.0)
FAR = (50.0, 50.0, 60.0, 60.0)


def found(*objects: tuple[tuple[float, float, float, float], float, int]) -> Detections:
    return Detections(
        boxes=np.array([box for box, _, _ in objects], np.float32).reshape(-1, 4),
        scores=np.array([score for _, score, _ in objects], np.float32),
        class_ids=np.array([class_id for _, _, class_id in objects], np.int32),
    )


def truth(*objects: tuple[tuple[float, float, float, float], str, bool]) -> RecordTruth:
    return RecordTruth(
        boxes=np.array([box for box, _, _ in objects], np.float32).reshape(-1, 4),
        labels=tuple(label for _, label, _ in objects),
        ignored=np.array([ignored for _, _, ignored in objects], np.bool_),
        track_ids=tuple("" for _ in objects),
    )


CASES = [
    (found((BOX, 0.9, 0)), truth((BOX, "car", False)), [0], [0], "hit"),
    (found((BOX, 0.9, 1)), truth((BOX, "car", False)), [FALSE_ALARM], [NOT_FOUND], "other_class"),
    (found((FAR, 0.9, 0)), truth((BOX, "car", False)), [FALSE_ALARM], [NOT_FOUND], "elsewhere"),
    (found((BOX, 0.2, 0)), truth((BOX, "car", False)), [BELOW_SCORE], [NOT_FOUND], "weak"),
    (found((NEAR, 0.9, 0), (BOX, 0.8, 0)), truth((BOX, "car", False)), [0, FALSE_ALARM], [0], "best_score_first"),
    (found((BOX, 0.9, 0)), truth((NEAR, "car", False), (BOX, "car", False)), [1], [NOT_FOUND, 0], "best_overlap"),
    (found((BOX, 0.9, 0)), truth((BOX, "car", True)), [ON_IGNORED], [NOT_FOUND], "ignored"),
    (found((BOX, 0.9, 0), (BOX, 0.8, 0)), truth((BOX, "car", True)), [ON_IGNORED] * 2, [NOT_FOUND], "a_crowd"),
    (
        found((BOX, 0.9, 0)),
        truth(((0.0, 0.0, 90.0, 90.0), "car", True)),
        [ON_IGNORED],
        [NOT_FOUND],
        "small_on_a_large_ignored",
    ),
    (found((BOX, 0.9, 0)), truth((BOX, "car", True), (NEAR, "car", False)), [1], [NOT_FOUND, 0], "counted_first"),
    (found((BOX, 0.9, 0)), truth((BOX, "tram", False)), [FALSE_ALARM], [NOT_KNOWN], "unknown_class"),
    (found(), truth((BOX, "car", False)), [], [NOT_FOUND], "nothing_found"),
    (found((BOX, 0.9, 0)), truth(), [FALSE_ALARM], [], "nothing_there"),
    (found((BOX, 0.5, 0)), truth((BOX, "car", False)), [0], [0], "exactly_the_score"),
]


@pytest.mark.parametrize(
    ("detections", "objects", "of_detection", "of_object"), [pytest.param(*case[:4], id=case[4]) for case in CASES]
)
def test_matches(detections: Detections, objects: RecordTruth, of_detection: list[int], of_object: list[int]) -> None:
    matches = match_frame(detections, objects, labels=LABELS, score=0.5)
    assert matches.found.tolist() == of_detection
    assert matches.objects.tolist() == of_object


corner = st.integers(0, 30)
side = st.integers(1, 20)
box = st.tuples(corner, corner, side, side).map(
    lambda values: (float(values[0]), float(values[1]), float(values[0] + values[2]), float(values[1] + values[3]))
)


@given(
    st.lists(st.tuples(box, st.floats(0, 1, width=32), st.integers(0, 1)), max_size=6),
    st.lists(st.tuples(box, st.sampled_from(["car", "bus", "tram"]), st.booleans()), max_size=6),
)
def test_a_match_is_mutual_of_one_class_and_overlaps_by_half(
    detections: list[tuple[tuple[float, float, float, float], float, int]],
    objects: list[tuple[tuple[float, float, float, float], str, bool]],
) -> None:
    detections = sorted(detections, key=lambda item: -item[1])
    matches = match_frame(found(*detections), truth(*objects), labels=LABELS, score=0.5)
    for index, of_object in enumerate(matches.found.tolist()):
        assert (of_object == BELOW_SCORE) == (np.float32(detections[index][1]) < np.float32(0.5))
        if of_object >= 0:
            assert matches.objects[of_object] == index
            assert objects[of_object][1] == LABELS[detections[index][2]]
            assert not objects[of_object][2]
            assert iou(detections[index][0], objects[of_object][0]) >= 0.5 - 1e-6
    for index, of_detection in enumerate(matches.objects.tolist()):
        assert of_detection < 0 or matches.found[of_detection] == index
        assert (of_detection == NOT_KNOWN) == (objects[index][1] == "tram")


def iou(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    width = max(0.0, min(one[2], other[2]) - max(one[0], other[0]))
    height = max(0.0, min(one[3], other[3]) - max(one[1], other[1]))
    common = width * height
    areas = [(each[2] - each[0]) * (each[3] - each[1]) for each in (one, other)]
    return common / (sum(areas) - common)
