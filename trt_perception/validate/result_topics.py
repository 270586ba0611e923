"""Topics and messages of a run's results, named as the node names them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from trt_perception.bag.bag_topic import BagMessage
from trt_perception.cdr import (
    DETECTION_ARRAY_TYPE,
    IMAGE_TYPE,
    LABEL_INFO_TYPE,
    VISION_INFO_TYPE,
    DetectionArrayEncoder,
    LabelInfoMessage,
    VisionInfoMessage,
    encode_image,
    encode_label_info,
    encode_vision_info,
)
from trt_perception.detections import Detections
from trt_perception.model.model_spec import ModelSpec
from trt_perception.result import HeadResult


@dataclass(frozen=True, kw_only=True)
class HeadTopics:
    """Topics of one head of one camera."""

    result: str
    vision_info: str
    label_info: str


def head_topics(heads: Mapping[str, bool], camera: str) -> Mapping[str, HeadTopics]:
    """Topics by head: the head's name stands in them where the model has several heads, of that kind or at all.

    Args:
        heads: The model's heads: name, and whether it detects or gives masks.
        camera: Name of the camera.
    """
    alike = Counter(heads.values())
    topics = {}
    for name, is_detection in heads.items():
        own = f"/{camera}/{name}"
        info = own if len(heads) > 1 else f"/{camera}"
        result = own if alike[is_detection] > 1 else f"/{camera}"
        word = "detections" if is_detection else "segmentation"
        topics[name] = HeadTopics(
            result=f"{result}/{word}", vision_info=f"{info}/vision_info", label_info=f"{info}/label_info"
        )
    return topics


class ResultEncoder:
    """Makes the messages of a model's results.

    Args:
        spec: The model.
        score: Detections below it are left out.
    """

    def __init__(self, spec: ModelSpec, *, score: float) -> None:
        self._spec = spec
        self._score = score
        self._encoders = {head.name: DetectionArrayEncoder(head.labels) for head in spec.heads}
        self._topics: dict[str, Mapping[str, HeadTopics]] = {}

    def topics(self, camera: str) -> Iterator[tuple[str, str]]:
        """Topic and type of every head's result."""
        for head in self._spec.heads:
            yield self._of(camera)[head.name].result, DETECTION_ARRAY_TYPE if head.kind.is_detection else IMAGE_TYPE

    def messages(
        self, heads: Mapping[str, HeadResult], *, camera: str, stamp_ns: int, frame_id: str
    ) -> Iterator[tuple[str, bytes]]:
        """Topic and message of every head; the header is the source image's."""
        for name, result in heads.items():
            topic = self._of(camera)[name].result
            if isinstance(result, Detections):
                found = result.select(result.scores >= self._score)
                yield topic, self._encoders[name].encode(found, stamp_ns=stamp_ns, frame_id=frame_id)
            else:
                yield topic, encode_image(result.class_ids, stamp_ns=stamp_ns, frame_id=frame_id, encoding="mono8")

    def latched(self, camera: str, *, time_ns: int) -> Iterator[BagMessage]:
        """vision_info and label_info of every head."""
        for head in self._spec.heads:
            topics = self._of(camera)[head.name]
            info = VisionInfoMessage(
                stamp_ns=time_ns,
                frame_id="",
                method=self._spec.name,
                database_location=topics.label_info,
                database_version=0,
            )
            labels = LabelInfoMessage(
                stamp_ns=time_ns,
                frame_id="",
                class_map=dict(enumerate(head.labels)),
                threshold=self._score if head.kind.is_detection else 0.0,
            )
            for topic, kind, data in (
                (topics.vision_info, VISION_INFO_TYPE, encode_vision_info(info)),
                (topics.label_info, LABEL_INFO_TYPE, encode_label_info(labels)),
            ):
                yield BagMessage(topic=topic, type_name=kind, log_time_ns=time_ns, data=data)

    def _of(self, camera: str) -> Mapping[str, HeadTopics]:
        if camera not in self._topics:
            heads = {head.name: head.kind.is_detection for head in self._spec.heads}
            self._topics[camera] = head_topics(heads, camera)
        return self._topics[camera]
