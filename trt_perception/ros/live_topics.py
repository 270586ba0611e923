"""Where a node's config puts the results that an offline run has, and whether both are of the same model and limits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from trt_perception.engine.any_spec import any_spec
from trt_perception.errors import ConfigError
from trt_perception.ros.class_table import ClassTable
from trt_perception.ros.topics import LaneTopics, plan_topics
from trt_perception.settings.camera_settings import CameraSettings
from trt_perception.settings.perception_settings import PerceptionSettings
from trt_perception.settings.pipeline_settings import PipelineSettings
from trt_perception.validate.live_topic import LiveTopic
from trt_perception.validate.result_topics import head_topics
from trt_perception.validate.run_header import RunHeader


def config_topics(settings: PerceptionSettings, header: RunHeader, *, namespace: str = "") -> tuple[LiveTopic, ...]:
    """Every head of every camera that both the config and the run have.

    A camera is the same where its image topic is, or else its name.

    Args:
        settings: The node's config.
        header: The run.
        namespace: The node's namespace.

    Raises:
        ConfigError: No pipeline of the config runs the run's model on a camera of it, several do on one, or one has
            other thresholds.
    """
    specs = {model.name: any_spec(Path(model.spec)) for model in settings.models}
    lanes = [
        lane for lane in plan_topics(settings.plans, specs) if specs[lane.plan.model.name].name == header.model.name
    ]
    if not lanes:
        names = ", ".join(sorted({spec.name for spec in specs.values()}))
        raise ConfigError("models", f"expected {header.model.name}, the model of the offline run, got {names}")
    topics = []
    for name, topic in sorted((name, camera.topic) for bag in header.bags for name, camera in bag.cameras.items()):
        for lane in _lanes_of(name, topic, lanes, namespace):
            check_thresholds(lane.plan.settings, header)
            topics += list(_live_topics(name, lane, header, namespace))
    if not topics:
        raise ConfigError("cameras", "expected a camera of the offline run, got none", "look at names and topics")
    return tuple(topics)


def image_topic(camera: CameraSettings, namespace: str = "") -> str:
    """The full name of a camera's image topic."""
    return _absolute(camera.image_topic, namespace)


def check_thresholds(pipeline: PipelineSettings, header: RunHeader) -> None:
    """See that a pipeline has the limits of the run.

    Raises:
        ConfigError: It has not; names the first that differs.
    """
    where, limits = f"pipeline {pipeline.name}", header.thresholds
    for key, ours, theirs, option in (
        ("score_threshold", pipeline.score_threshold, limits.score, "--score"),
        ("nms_iou", pipeline.nms_iou, limits.nms_iou, "--nms-iou"),
        ("max_detections", pipeline.max_detections, limits.max_detections, ""),
    ):
        if ours != theirs:
            remedy = f"run `trt-perception validate` with {option} {ours:g}" if option else "set it so in the config"
            raise ConfigError(f"{where}: {key}", f"{ours:g} live, {theirs:g} in the offline run", remedy)
    if pipeline.class_thresholds:
        raise ConfigError(
            f"{where}: class_thresholds", "the offline run has one threshold for all classes", "leave them out here"
        )


def _lanes_of(name: str, topic: str, lanes: list[LaneTopics], namespace: str) -> list[LaneTopics]:
    """The pipeline that runs the model on one camera of the run; none where the config has no such camera."""
    of_topic = [lane for lane in lanes if image_topic(lane.plan.camera, namespace) == topic]
    found = of_topic or [lane for lane in lanes if lane.plan.camera.name == name]
    if len(found) > 1:
        names = ", ".join(lane.plan.settings.name for lane in found)
        raise ConfigError("pipelines", f"{names} run the same model on camera {name}, expected one to compare")
    return found


def _live_topics(camera: str, lane: LaneTopics, header: RunHeader, namespace: str) -> Iterator[LiveTopic]:
    offline = head_topics({name: head.is_detection for name, head in header.heads.items()}, camera)
    for topics in lane.heads:
        head = topics.head
        if head.name not in offline or tuple(head.labels) != header.heads[head.name].labels:
            raise ConfigError("models", f"head {head.name} is another, or has other labels, in the offline run")
        settings = lane.plan.settings
        table = ClassTable(head.labels, label_map=settings.label_map, form=settings.class_ids)
        shown = dict(table.class_map)
        published: Mapping[str, str | None] = {
            label: table.class_ids[index] if index in shown else None for index, label in enumerate(head.labels)
        }
        yield LiveTopic(
            camera=camera,
            live_camera=lane.plan.camera.name,
            head=head.name,
            is_detection=head.kind.is_detection,
            offline=offline[head.name].result,
            live=_absolute(topics.result, namespace),
            published=published,
            hidden=tuple(index for index in range(len(head.labels)) if index not in shown),
        )


def _absolute(topic: str, namespace: str) -> str:
    if topic.startswith("/"):
        return topic
    inside = namespace.strip("/")
    return f"/{inside}/{topic}" if inside else f"/{topic}"
