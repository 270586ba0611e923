"""Detection2DArray messages: two writers and a reader, judged by rosbags."""

import numpy as np
import pytest
from helpers.reference_types import reference_header, reference_types
from hypothesis import given
from hypothesis import strategies as st

from trt_perception import Detections, FrameError
from trt_perception.cdr import (
    DETECTION_ARRAY_TYPE,
    DetectionArrayEncoder,
    DetectionArrayMessage,
    DetectionRecord,
    HypothesisRecord,
    decode_detection_array,
    encode_detection_array,
)

STORE = reference_types()
LABELS = ["", "a", "ab", "car", "truck", "person", "bicycle", "traffic light", "ampel größer"]
TEXTS = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=12)
STAMPS = st.integers(-(2**31) * 10**9, (2**31 - 1) * 10**9)
NUMBERS = st.floats(-1e6, 1e6)


def random_detections(count: int, seed: int = 0) -> Detections:
    rng = np.random.default_rng(seed)
    corners = rng.uniform(0, 900, (count, 2))
    return Detections(
        boxes=np.hstack([corners, corners + rng.uniform(0, 200, (count, 2))]).astype(np.float32),
        scores=rng.random(count).astype(np.float32),
        class_ids=rng.integers(0, len(LABELS), count).astype(np.int32),
    )


def reference_bytes(detections: Detections, stamp_ns: int, frame_id: str) -> bytes:
    """The message as rosbags writes it from objects, with the defaults of a fresh ROS message."""
    header = reference_header(STORE, *divmod(stamp_ns, 10**9), frame_id)
    types = STORE.types
    zero = types["geometry_msgs/msg/Point"](x=0.0, y=0.0, z=0.0)
    identity = types["geometry_msgs/msg/Quaternion"](x=0.0, y=0.0, z=0.0, w=1.0)
    pose = types["geometry_msgs/msg/PoseWithCovariance"](
        pose=types["geometry_msgs/msg/Pose"](position=zero, orientation=identity), covariance=np.zeros(36)
    )
    objects = []
    for (x1, y1, x2, y2), score, class_id in zip(
        detections.boxes.astype(float), detections.scores.astype(float), detections.class_ids, strict=True
    ):
        hypothesis = types["vision_msgs/msg/ObjectHypothesis"](class_id=LABELS[class_id], score=score)
        position = types["vision_msgs/msg/Point2D"](x=x1 + (x2 - x1) / 2, y=y1 + (y2 - y1) / 2)
        objects.append(
            types["vision_msgs/msg/Detection2D"](
                header=header,
                results=[types["vision_msgs/msg/ObjectHypothesisWithPose"](hypothesis=hypothesis, pose=pose)],
                bbox=types["vision_msgs/msg/BoundingBox2D"](
                    center=types["vision_msgs/msg/Pose2D"](position=position, theta=0.0), size_x=x2 - x1, size_y=y2 - y1
                ),
                id="",
            )
        )
    message = types[DETECTION_ARRAY_TYPE](header=header, detections=objects)
    return bytes(STORE.serialize_cdr(message, DETECTION_ARRAY_TYPE))


@given(count=st.integers(0, 20), seed=st.integers(0, 1000), stamp_ns=STAMPS, frame_id=TEXTS)
def test_bytes_are_those_that_rosbags_writes(count: int, seed: int, stamp_ns: int, frame_id: str) -> None:
    detections = random_detections(count, seed)
    data = DetectionArrayEncoder(LABELS).encode(detections, stamp_ns=stamp_ns, frame_id=frame_id)
    assert data == reference_bytes(detections, stamp_ns, frame_id)


def test_one_encoder_serves_many_frames() -> None:
    encoder = DetectionArrayEncoder(LABELS)
    first = encoder.encode(random_detections(3), stamp_ns=1, frame_id="a")
    encoder.encode(random_detections(50, seed=1), stamp_ns=2, frame_id="b")
    assert encoder.encode(random_detections(3), stamp_ns=1, frame_id="a") == first


@pytest.mark.parametrize("class_id", [-1, len(LABELS)])
@pytest.mark.parametrize("place", [0, 2])
def test_a_class_without_label_is_refused(class_id: int, place: int) -> None:
    detections = random_detections(3)
    detections.class_ids[place] = class_id
    with pytest.raises(ValueError, match=f"class id {class_id} has no label"):
        DetectionArrayEncoder(LABELS).encode(detections, stamp_ns=0, frame_id="")


def test_records_hold_what_was_encoded() -> None:
    detections = random_detections(4)
    data = DetectionArrayEncoder(LABELS).encode(detections, stamp_ns=-7, frame_id="front_optical")
    message = decode_detection_array(data)
    assert (message.stamp_ns, message.frame_id, len(message.detections)) == (-7, "front_optical", 4)
    for record, box, score, class_id in zip(
        message.detections, detections.boxes, detections.scores, detections.class_ids, strict=True
    ):
        assert (record.stamp_ns, record.frame_id, record.theta, record.id) == (-7, "front_optical", 0.0, "")
        assert record.results == (HypothesisRecord(class_id=LABELS[class_id], score=float(score)),)
        corners = [record.center_x - record.size_x / 2, record.center_y - record.size_y / 2]
        corners += [corners[0] + record.size_x, corners[1] + record.size_y]
        np.testing.assert_allclose(corners, box, rtol=0, atol=1e-9)


HYPOTHESES = st.builds(HypothesisRecord, class_id=TEXTS, score=NUMBERS)
RECORDS = st.builds(
    DetectionRecord,
    stamp_ns=STAMPS,
    frame_id=TEXTS,
    results=st.lists(HYPOTHESES, max_size=3).map(tuple),
    center_x=NUMBERS,
    center_y=NUMBERS,
    theta=NUMBERS,
    size_x=NUMBERS,
    size_y=NUMBERS,
    id=TEXTS,
)
MESSAGES = st.builds(
    DetectionArrayMessage, stamp_ns=STAMPS, frame_id=TEXTS, detections=st.lists(RECORDS, max_size=3).map(tuple)
)


@given(message=MESSAGES)
def test_records_survive_rosbags(message: DetectionArrayMessage) -> None:
    data = encode_detection_array(message)
    read = STORE.deserialize_cdr(data, DETECTION_ARRAY_TYPE)
    assert [detection.id for detection in read.detections] == [record.id for record in message.detections]
    written = bytes(STORE.serialize_cdr(read, DETECTION_ARRAY_TYPE))
    assert decode_detection_array(written) == message


def test_every_truncation_is_refused() -> None:
    data = DetectionArrayEncoder(LABELS).encode(random_detections(2), stamp_ns=1, frame_id="front")
    for size in range(len(data)):
        with pytest.raises(FrameError):
            decode_detection_array(data[:size])
