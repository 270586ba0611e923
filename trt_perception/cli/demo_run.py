"""One run of the demo: every frame that was sent, and what came of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from trt_perception.bag.bag_topic import BagMessage
from trt_perception.cli.demo_source import DemoSource
from trt_perception.demo.live_results import LiveResult, Results, TopicContent, collect_results
from trt_perception.detections import Detections
from trt_perception.errors import MissingError
from trt_perception.model.load_spec import load_spec
from trt_perception.model.model_spec import ModelSpec
from trt_perception.result import HeadResult
from trt_perception.ros.topics import plan_topics
from trt_perception.settings.load_settings import load_settings
from trt_perception.validate.live_drops import LiveDrops, read_played

_TYPES = {True: "vision_msgs/msg/Detection2DArray", False: "sensor_msgs/msg/Image"}


@dataclass(frozen=True, kw_only=True)
class SentFrame:
    """One frame that was sent, and its answer.

    Args:
        camera: Its camera.
        index: Its number among the camera's frames.
        stamp_ns: Its stamp.
        answer: None where there is none.
    """

    camera: str
    index: int
    stamp_ns: int
    answer: LiveResult | None


@dataclass(frozen=True, kw_only=True)
class DemoRun:
    """What was sent, answered and dropped, by camera and stamp.

    Args:
        source: What was played.
        spec: The model.
        results: The answers.
        sent: Times of sending, nanoseconds of the system clock, in the order of sending.
        drops: Reasons.
        messages: The answers as they came; the log time is that of arrival.
        contents: What each result topic carries.
    """

    source: DemoSource
    spec: ModelSpec
    results: Results
    sent: Mapping[str, Mapping[int, int]]
    drops: Mapping[str, Mapping[int, str]]
    messages: Sequence[BagMessage] = field(repr=False)
    contents: Mapping[str, TopicContent] = field(repr=False)

    def camera_of(self, topic: str) -> str:
        """The camera whose results a topic carries."""
        return self.contents[topic].camera

    def frames(self) -> Iterator[SentFrame]:
        """Every frame that was sent, camera by camera."""
        for camera in self.source.cameras:
            for index, stamp_ns in enumerate(self.sent[camera]):
                answer = self.results[camera].get(stamp_ns)
                yield SentFrame(camera=camera, index=index, stamp_ns=stamp_ns, answer=answer)

    def shown(self, answer: LiveResult, score: float) -> dict[str, HeadResult]:
        """The answer's heads without detections below a score."""
        return {
            name: head.select(head.scores >= score) if isinstance(head, Detections) else head
            for name, head in answer.heads.items()
        }

    def count_objects(self, score: float) -> dict[str, int]:
        """Detections of at least that score by label, most frequent first."""
        labels = {head.name: head.labels for head in self.spec.heads}
        counts: Counter[str] = Counter()
        for frame in self.frames():
            if frame.answer is not None:
                for name, head in self.shown(frame.answer, score).items():
                    if isinstance(head, Detections):
                        counts.update(labels[name][class_id] for class_id in head.class_ids.tolist())
        return dict(counts.most_common())


def run_demo(config: Path, source: DemoSource, spec: ModelSpec, log_folder: Path) -> DemoRun:
    """Run node and player, record the results.

    Args:
        config: The node's config, with one model.
        source: What is played.
        spec: The model.
        log_folder: For the processes' output and ledgers.

    Raises:
        MissingError: ROS is not here.
        PerceptionError: The node or the player failed.
    """
    try:
        from trt_perception.ros.live_run import LiveRun
    except ImportError as error:
        raise MissingError(f"ROS 2 is not here: {error}", "see `trt-perception doctor --for ros`") from error
    contents = _contents(config)
    live = LiveRun(
        config=config,
        play=source.play_arguments,
        outputs={topic: _TYPES[content.is_detection] for topic, content in contents.items()},
        log_folder=log_folder,
        sim_time=source.has_own_time,
    )
    messages = live.run()
    played, drops = read_played(live.ledger), LiveDrops.read(live.drop_log)
    return DemoRun(
        source=source,
        spec=spec,
        results=collect_results(messages, contents),
        sent={camera: played.get(source.topic(camera), {}) for camera in source.cameras},
        drops={camera: drops.of(camera) for camera in source.cameras},
        messages=messages,
        contents=contents,
    )


def _contents(config: Path) -> dict[str, TopicContent]:
    """What each result topic of a config carries."""
    settings = load_settings(config)
    specs = {model.name: load_spec(Path(model.spec)) for model in settings.models}
    return {
        topics.result: TopicContent(
            camera=lane.plan.camera.name,
            head=topics.head.name,
            labels=topics.head.labels,
            is_detection=topics.head.kind.is_detection,
        )
        for lane in plan_topics(settings.plans, specs)
        for topics in lane.heads
    }
