"""What one pipeline of one camera publishes of a result: the picture, made where the pipeline draws or here."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="ROS is not here")
pytest.importorskip("vision_msgs.msg", reason="vision_msgs is not here")


from helpers.frames import bgr_frame, encoded_frame, scene_image
from helpers.model_specs import model_spec

from trt_perception.detections import Detections
from trt_perception.draw.annotate import annotate
from trt_perception.model.model_spec import HeadKind
from trt_perception.result import Result
from trt_perception.ros.lane_publishers import LanePublishers
from trt_perception.ros.topics import plan_topics
from trt_perception.settings.camera_settings import CameraSettings
from trt_perception.settings.model_settings import ModelSettings
from trt_perception.settings.perception_settings import PipelinePlan
from trt_perception.settings.pipeline_settings import PipelineSettings

SPEC = model_spec(HeadKind.YOLOV8, (1, 7, 20), labels=("car", "lorry", "sky"))
FRAME = bgr_frame(scene_image(60, 80), stamp_ns=5)
FOUND = Detections(
    boxes=np.array([[5, 20, 40, 50], [30, 20, 70, 55]], np.float32),
    scores=np.array([0.9, 0.5], np.float32),
    class_ids=np.array([1, 2], np.int32),
)


class FakePublisher:
    """Keeps what is published; `listeners` subscribe."""

    def __init__(self) -> None:
        self.listeners = 0
        self.sent: list[Any] = []

    def get_subscription_count(self) -> int:
        return self.listeners

    def publish(self, message: Any) -> None:
        self.sent.append(message)


class FakeNode:
    """Makes publishers, by topic."""

    def __init__(self) -> None:
        self.publishers: dict[str, FakePublisher] = {}

    def create_lifecycle_publisher(self, kind: type, topic: str, profile: Any, **options: Any) -> FakePublisher:
        return self.publishers.setdefault(topic, FakePublisher())


def make(**settings: Any) -> tuple[LanePublishers, FakePublisher]:
    """Publishers of one lane, and that of the picture."""
    plan = PipelinePlan(
        sources=(CameraSettings(name="front"),),
        settings=PipelineSettings(name="detect", model="boxes", **settings),
        model=ModelSettings(name="boxes", spec="boxes.yaml"),
    )
    (topics,) = plan_topics((plan,), {"boxes": SPEC})
    node = FakeNode()
    publishers = LanePublishers(node, topics, SPEC, version=1)
    return publishers, node.publishers["front/debug_image"]


def pixels_of(message: bytes) -> np.ndarray:
    return np.frombuffer(message, np.uint8)[-60 * 80 * 3 :].reshape(60, 80, 3)


def test_a_picture_that_the_pipeline_has_drawn_is_published_as_it_is() -> None:
    publishers, picture = make()
    picture.listeners = 1
    drawn = np.random.default_rng(0).integers(0, 256, (60, 80, 3), dtype=np.uint8)
    publishers.publish(FRAME, Result(heads={"head": FOUND}, picture=drawn))
    publishers.publish(encoded_frame(b"no file that could be read"), Result(heads={"head": FOUND}, picture=drawn))
    assert all(np.array_equal(pixels_of(message), drawn) for message in picture.sent)
    assert len(picture.sent) == 2


def test_otherwise_it_is_drawn_here_with_the_published_names() -> None:
    publishers, picture = make(label_map={"lorry": "truck", "sky": ""})
    picture.listeners = 1
    publishers.publish(FRAME, Result(heads={"head": FOUND}))
    shown = Result(heads={"head": FOUND.select(np.array([0]))})
    (message,) = picture.sent
    assert np.array_equal(pixels_of(message), annotate(scene_image(60, 80), shown, publishers.shown_spec))
    assert publishers.shown_spec.heads[0].labels == ("car", "truck", "sky")


def test_a_pipeline_that_draws_is_told_what_is_left_out() -> None:
    assert make(label_map={"lorry": "truck", "sky": ""})[0].left_out == {"head": frozenset({2})}
    assert make()[0].left_out == {"head": frozenset()}


def test_nobody_looks_and_nothing_is_drawn() -> None:
    publishers, picture = make()
    assert not publishers.is_watched()
    publishers.publish(FRAME, Result(heads={"head": FOUND}))
    assert picture.sent == []
    picture.listeners = 1
    assert publishers.is_watched()
