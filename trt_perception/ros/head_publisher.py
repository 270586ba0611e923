"""Publishes what one head of one pipeline finds, and what its classes are."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sensor_msgs.msg import Image
from vision_msgs.msg import Detection2DArray, LabelInfo, VisionClass, VisionInfo

from trt_perception.cdr.detection_array import DetectionArrayEncoder
from trt_perception.cdr.image_message import encode_image
from trt_perception.detections import Detections
from trt_perception.encoding import Encoding
from trt_perception.frame import EncodedFrame, Frame
from trt_perception.instance_detections import InstanceDetections
from trt_perception.result import HeadResult
from trt_perception.ros.class_table import ClassTable
from trt_perception.ros.quality_of_service import latched_profile, overridable, result_profile
from trt_perception.ros.topics import HeadTopics
from trt_perception.settings.pipeline_settings import PipelineSettings


class HeadPublisher:
    """One result topic, with `instances` where the head tells them, and its latched `vision_info` and `label_info`.

    Args:
        node: The lifecycle node.
        topics: The head and its topics.
        settings: The pipeline.
        model_name: Name of the model, for `vision_info`.
        version: Counts the configurations of this node; `vision_info` carries it.
    """

    def __init__(
        self, node: Any, topics: HeadTopics, settings: PipelineSettings, *, model_name: str, version: int
    ) -> None:
        head = topics.head
        self.name = head.name
        self.table = ClassTable(head.labels, label_map=settings.label_map, form=settings.class_ids)
        self._node = node
        self._method = f"{model_name} ({head.kind.value})"
        self._version = version
        self._encoder = DetectionArrayEncoder(self.table.class_ids)
        self._results = node.create_lifecycle_publisher(
            Detection2DArray if head.kind.is_detection else Image,
            topics.result,
            result_profile(),
            qos_overriding_options=overridable(),
        )
        self._instances = None
        if topics.instances is not None:
            self._instances = node.create_lifecycle_publisher(
                Image, topics.instances, result_profile(), qos_overriding_options=overridable()
            )
        self._vision_info = node.create_lifecycle_publisher(VisionInfo, topics.vision_info, latched_profile())
        self._label_info = node.create_lifecycle_publisher(LabelInfo, topics.label_info, latched_profile())

    def has_listeners(self) -> bool:
        """Whether anybody subscribes to the results."""
        return _is_heard(self._results) or (self._instances is not None and _is_heard(self._instances))

    def filter(self, found: HeadResult) -> HeadResult:
        """The result without the classes that are not published."""
        if isinstance(found, Detections):
            return self.table.filter_detections(found)
        return self.table.filter_mask(found)

    def publish(self, frame: Frame | EncodedFrame, found: HeadResult) -> None:
        """Publish a filtered result under the frame's own header, on the topics that somebody listens to."""
        if _is_heard(self._results):
            if isinstance(found, Detections):
                data = self._encoder.encode(found, stamp_ns=frame.stamp_ns, frame_id=frame.frame_id)
            else:
                data = _mono8(frame, found.class_ids)
            self._results.publish(data)
        if self._instances is not None and isinstance(found, InstanceDetections) and _is_heard(self._instances):
            self._instances.publish(_mono8(frame, found.instance_ids))

    def publish_info(self, score_threshold: float) -> None:
        """Publish the latched facts, once the node is active."""
        labels = LabelInfo(threshold=score_threshold)
        labels.class_map = [VisionClass(class_id=index, class_name=name) for index, name in self.table.class_map]
        vision = VisionInfo(
            method=self._method, database_location=self._label_info.topic_name, database_version=self._version
        )
        labels.header.stamp = vision.header.stamp = self._node.get_clock().now().to_msg()
        self._label_info.publish(labels)
        self._vision_info.publish(vision)

    def destroy(self) -> None:
        """Remove the publishers."""
        for publisher in (self._results, self._instances, self._vision_info, self._label_info):
            if publisher is not None:
                self._node.destroy_lifecycle_publisher(publisher)


def _is_heard(publisher: Any) -> bool:
    return bool(publisher.get_subscription_count())


def _mono8(frame: Frame | EncodedFrame, ids: NDArray[np.uint8]) -> bytes:
    """An Image of one byte a pixel under the frame's own header."""
    return encode_image(stamp_ns=frame.stamp_ns, frame_id=frame.frame_id, encoding=Encoding.MONO8.value, image=ids)
