"""Which topics each pipeline of each camera publishes."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from trt_perception.errors import ConfigError
from trt_perception.model.model_spec import HeadSpec, ModelSpec
from trt_perception.settings.perception_settings import PipelinePlan

_TOKENS = re.compile(r"[A-Za-z][A-Za-z0-9_]*(/[A-Za-z][A-Za-z0-9_]*)*")


@dataclass(frozen=True, kw_only=True)
class HeadTopics:
    """Topics of one head, relative to the node's namespace.

    Args:
        head: The head.
        result: Its detections or its mask.
        instances: Which detection each pixel belongs to; None where the head does not tell.
        vision_info: Which model the results are from.
        label_info: Names of the class ids.
    """

    head: HeadSpec
    result: str
    instances: str | None
    vision_info: str
    label_info: str

    @property
    def all(self) -> tuple[str, ...]:
        """All of them."""
        instances = () if self.instances is None else (self.instances,)
        return (self.result, *instances, self.vision_info, self.label_info)


@dataclass(frozen=True, kw_only=True)
class LaneTopics:
    """Topics of one pipeline of one camera, relative to the node's namespace."""

    plan: PipelinePlan
    heads: tuple[HeadTopics, ...]
    debug_image: str

    @property
    def all(self) -> tuple[str, ...]:
        """All of them."""
        return (*(topic for head in self.heads for topic in head.all), self.debug_image)


def plan_topics(plans: Sequence[PipelinePlan], specs: Mapping[str, ModelSpec]) -> tuple[LaneTopics, ...]:
    """The topics of every pipeline of every camera.

    ``<camera>/[namespace/]detections`` or ``segmentation``, with the head's name before it where the model has several
    heads of that kind, and ``instances`` beside the detections of a head that tells them; ``vision_info`` and
    ``label_info`` likewise, where the model has several heads of any kind.

    Args:
        plans: The pipelines.
        specs: Model by name.

    Raises:
        ConfigError: Two pipelines would publish the same topic, or a name cannot be part of one.
    """
    owners: dict[str, PipelinePlan] = {}
    lanes = []
    for plan in plans:
        lane = _lane_topics(plan, specs[plan.model.name].heads)
        for topic in lane.all:
            if topic in owners:
                raise ConfigError(
                    f"pipeline {plan.settings.name}: namespace",
                    f"it publishes {topic}, as pipeline {owners[topic].settings.name} does",
                    "give one of them a namespace, which is put between camera and topic",
                )
            owners[topic] = plan
        lanes.append(lane)
    return tuple(lanes)


def _lane_topics(plan: PipelinePlan, heads: Sequence[HeadSpec]) -> LaneTopics:
    prefix = plan.camera.name
    if plan.settings.namespace:
        prefix += "/" + _checked(plan.settings.namespace, f"pipeline {plan.settings.name}: namespace")
    alike = Counter(head.kind.is_detection for head in heads)
    topics = []
    for head in heads:
        word = "detections" if head.kind.is_detection else "segmentation"
        result = info = prefix
        if len(heads) > 1:
            name = _checked(head.name, f"model {plan.model.name}: name of head {head.name!r}")
            info = f"{prefix}/{name}"
            result = info if alike[head.kind.is_detection] > 1 else prefix
        topics.append(
            HeadTopics(
                head=head,
                result=f"{result}/{word}",
                instances=f"{result}/instances" if head.kind.has_instances else None,
                vision_info=f"{info}/vision_info",
                label_info=f"{info}/label_info",
            )
        )
    return LaneTopics(plan=plan, heads=tuple(topics), debug_image=f"{prefix}/debug_image")


def _checked(name: str, where: str) -> str:
    if not _TOKENS.fullmatch(name) or "__" in name:
        raise ConfigError(
            where, f"expected letters, digits and single underscores, as it is part of a topic, got {name!r}"
        )
    return name
