"""Publishes what one pipeline of one camera finds."""

from __future__ import annotations

import dataclasses
from typing import Any

from sensor_msgs.msg import Image

from trt_perception.cdr.image_message import encode_image
from trt_perception.draw.annotate import annotate
from trt_perception.encoding import Encoding
from trt_perception.frame import EncodedFrame, Frame
from trt_perception.model.model_spec import ModelSpec
from trt_perception.preprocess.color_image import color_image
from trt_perception.preprocess.decode_image import decode_image
from trt_perception.result import Result
from trt_perception.ros.head_publisher import HeadPublisher
from trt_perception.ros.quality_of_service import debug_profile, overridable
from trt_perception.ros.topics import LaneTopics


class LanePublishers:
    """All topics of one pipeline of one camera.

    Args:
        node: The lifecycle node.
        topics: The topics.
        spec: The pipeline's model.
        version: Counts the configurations of this node.
    """

    def __init__(self, node: Any, topics: LaneTopics, spec: ModelSpec, *, version: int) -> None:
        settings = topics.plan.settings
        self._node = node
        self._heads = [
            HeadPublisher(node, head, settings, model_name=spec.name, version=version) for head in topics.heads
        ]
        self._debug_image = node.create_lifecycle_publisher(
            Image, topics.debug_image, debug_profile(), qos_overriding_options=overridable()
        )
        # The picture shows the names under which the classes are published.
        shown = [tuple(settings.label_map.get(label) or label for label in head.labels) for head in spec.heads]
        heads = tuple(dataclasses.replace(head, labels=labels) for head, labels in zip(spec.heads, shown, strict=True))
        self.shown_spec = dataclasses.replace(spec, heads=heads)
        """The model as pictures show it."""
        self.left_out = {head.name: head.table.left_out for head in self._heads}
        """Classes that are not published, by head."""

    def has_listeners(self) -> bool:
        """Whether anybody subscribes to a result or to the picture."""
        return any(head.has_listeners() for head in self._heads) or self.is_watched()

    def publish(self, frame: Frame | EncodedFrame, result: Result) -> None:
        """Publish one result on all topics that somebody subscribes to, under the frame's own header."""
        found = {head.name: head.filter(result.heads[head.name]) for head in self._heads}
        for head in self._heads:
            head.publish(frame, found[head.name])
        if self.is_watched():
            self._publish_picture(frame, dataclasses.replace(result, heads=found))

    def publish_info(self, score_threshold: float) -> None:
        """Publish the latched facts, once the node is active."""
        for head in self._heads:
            head.publish_info(score_threshold)

    def destroy(self) -> None:
        """Remove the publishers."""
        for head in self._heads:
            head.destroy()
        self._node.destroy_lifecycle_publisher(self._debug_image)

    def is_watched(self) -> bool:
        """Whether anybody subscribes to the picture."""
        return bool(self._debug_image.get_subscription_count())

    def _publish_picture(self, frame: Frame | EncodedFrame, result: Result) -> None:
        picture = result.picture
        if picture is None:  # the pipeline draws none
            raw = decode_image(frame) if isinstance(frame, EncodedFrame) else frame
            picture = annotate(color_image(raw), result, self.shown_spec)
        self._debug_image.publish(
            encode_image(stamp_ns=frame.stamp_ns, frame_id=frame.frame_id, encoding=Encoding.BGR8.value, image=picture)
        )
