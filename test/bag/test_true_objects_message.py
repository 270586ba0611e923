"""Ground truth in vision_msgs, whole and readable by those who know nothing of its attributes."""

import math

import numpy as np
import pytest
from helpers.reference_types import reference_types
from hypothesis import given
from hypothesis import strategies as st

from trt_perception.bag.true_objects import TrueObjects
from trt_perception.bag.true_objects_message import (
    TRUNCATION,
    VISIBLE_FRACTION,
    TrueObjectsMessage,
    decode_true_objects,
    encode_true_objects,
)
from trt_perception.cdr import (
    DetectionArrayMessage,
    DetectionRecord,
    HypothesisRecord,
    encode_detection_array,
)
from trt_perception.errors import DropReason, FrameError

STORE = reference_types()
NAMES = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=8)


def random_objects(count: int, seed: int = 0) -> TrueObjects:
    rng = np.random.default_rng(seed)
    corners = rng.uniform(-50, 900, (count, 2))
    return TrueObjects(
        boxes=np.hstack([corners, corners + rng.uniform(0, 300, (count, 2))]).astype(np.float32),
        labels=tuple(rng.choice(["car", "bus", "person"], count).tolist()),
        track_ids=tuple(map(str, rng.integers(0, 99, count).tolist())),
        visible_fraction=rng.random(count).astype(np.float32),
        truncation=rng.random(count).astype(np.float32),
        ignored=rng.random(count) < 0.5,
    )


@given(count=st.integers(0, 8), seed=st.integers(0, 99), frame_id=NAMES)
def test_nothing_is_lost(count: int, seed: int, frame_id: str) -> None:
    sent = random_objects(count, seed)
    message = decode_true_objects(encode_true_objects(TrueObjectsMessage(stamp_ns=-5, frame_id=frame_id, objects=sent)))
    assert (message.stamp_ns, message.frame_id) == (-5, frame_id)
    for name in ("boxes", "visible_fraction", "truncation", "ignored"):
        np.testing.assert_array_equal(getattr(message.objects, name), getattr(sent, name))
    assert (message.objects.labels, message.objects.track_ids) == (sent.labels, sent.track_ids)


def test_the_class_comes_first_with_score_one() -> None:
    objects = random_objects(5)
    data = encode_true_objects(TrueObjectsMessage(stamp_ns=1, frame_id="f", objects=objects))
    read = STORE.deserialize_cdr(data, "vision_msgs/msg/Detection2DArray")
    first = [detection.results[0].hypothesis for detection in read.detections]
    assert [(h.class_id, h.score) for h in first] == [(label, 1.0) for label in objects.labels]
    assert [detection.id for detection in read.detections] == list(objects.track_ids)
    assert [len(detection.results) for detection in read.detections] == [3 + flag for flag in objects.ignored]


def foreign(*results: tuple[str, float], theta: float = 0.0) -> TrueObjects:
    record = DetectionRecord(
        stamp_ns=1,
        frame_id="f",
        results=tuple(HypothesisRecord(class_id=name, score=score) for name, score in results),
        center_x=50.0,
        center_y=40.0,
        theta=theta,
        size_x=20.0,
        size_y=10.0,
    )
    data = encode_detection_array(DetectionArrayMessage(stamp_ns=1, frame_id="f", detections=(record,)))
    return decode_true_objects(data).objects


@pytest.mark.parametrize(
    ("results", "label"),
    [
        pytest.param([("car", 0.0)], "car", id="score_never_set"),
        pytest.param([("car", 0.2), ("bus", 0.7)], "bus", id="best_score"),
        pytest.param([], "", id="no_class"),
    ],
)
def test_truth_of_others_counts_and_is_visible(results: list[tuple[str, float]], label: str) -> None:
    objects = foreign(*results)
    assert objects.labels == (label,)
    assert objects.track_ids == ("",)
    assert not objects.ignored[0]
    assert (objects.visible_fraction[0], objects.truncation[0]) == (1.0, 0.0)


@pytest.mark.parametrize(
    ("theta", "box"),
    [
        pytest.param(0.0, [40, 35, 60, 45], id="upright"),
        pytest.param(math.pi / 2, [45, 30, 55, 50], id="quarter"),
        pytest.param(
            -math.pi / 4, [50 - 15 / 2**0.5, 40 - 15 / 2**0.5, 50 + 15 / 2**0.5, 40 + 15 / 2**0.5], id="eighth"
        ),
    ],
)
def test_a_turned_box_becomes_the_upright_one_around_it(theta: float, box: list[float]) -> None:
    np.testing.assert_allclose(foreign(("car", 1.0), theta=theta).boxes[0], box, rtol=0, atol=1e-4)


@pytest.mark.parametrize(
    ("results", "theta"),
    [
        pytest.param((), math.inf, id="infinite_angle"),
        pytest.param(((VISIBLE_FRACTION, math.nan),), 0.0, id="visible_fraction_nan"),
        pytest.param(((TRUNCATION, 1e300),), 0.0, id="truncation_too_large"),
    ],
)
def test_what_no_float32_holds_is_malformed(results: tuple[tuple[str, float], ...], theta: float) -> None:
    with pytest.raises(FrameError) as caught:
        foreign(("car", 1.0), *results, theta=theta)
    assert caught.value.reason is DropReason.MALFORMED


def test_shapes_are_checked() -> None:
    with pytest.raises(ValueError, match="truncation must be float32"):
        TrueObjects(
            boxes=np.zeros((1, 4), np.float32),
            labels=("car",),
            track_ids=("",),
            visible_fraction=np.zeros(1, np.float32),
            truncation=np.zeros(1),
            ignored=np.zeros(1, np.bool_),
        )
