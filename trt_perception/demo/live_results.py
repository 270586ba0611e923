"""The messages of a live run as results by camera and stamp."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from trt_perception.bag.bag_topic import BagMessage
from trt_perception.cdr.detection_array_message import decode_detection_array
from trt_perception.cdr.image_message import frame_from_image, parse_image
from trt_perception.detections import Detections
from trt_perception.result import HeadResult
from trt_perception.segmentation_mask import SegmentationMask


@dataclass(frozen=True, kw_only=True)
class TopicContent:
    """What a result topic carries.

    Args:
        camera: Whose results.
        head: Name of the head in the model.
        labels: The head's labels, in the model's order.
        is_detection: Detection2DArray, or else a mask as Image.
    """

    camera: str
    head: str
    labels: tuple[str, ...]
    is_detection: bool


@dataclass(frozen=True, kw_only=True)
class LiveResult:
    """The answer to one frame: arrival of its first message by the system clock, and the heads' results."""

    received_ns: int
    heads: dict[str, HeadResult]


Results = dict[str, dict[int, LiveResult]]
"""By camera, then by stamp."""


def collect_results(messages: Iterable[BagMessage], contents: Mapping[str, TopicContent]) -> Results:
    """Sort recorded messages.

    Args:
        messages: What was recorded; the log time is that of arrival.
        contents: What each topic carries.
    """
    results: Results = {content.camera: {} for content in contents.values()}
    for message in messages:
        content, data = contents[message.topic], message.data
        stamp_ns, head_result = _detections(data, content.labels) if content.is_detection else _mask(data)
        answer = results[content.camera].setdefault(stamp_ns, LiveResult(received_ns=message.log_time_ns, heads={}))
        answer.heads[content.head] = head_result
    return results


def _detections(data: bytes | memoryview, labels: tuple[str, ...]) -> tuple[int, Detections]:
    message = decode_detection_array(data)
    found = message.detections
    centre = np.array([(d.center_x, d.center_y) for d in found]).reshape(-1, 2)
    half = np.array([(d.size_x, d.size_y) for d in found]).reshape(-1, 2) / 2
    return message.stamp_ns, Detections(
        boxes=np.concatenate([centre - half, centre + half], axis=1).astype(np.float32),
        scores=np.array([d.results[0].score for d in found], np.float32),
        class_ids=np.array([labels.index(d.results[0].class_id) for d in found], np.int32),
    )


def _mask(data: bytes | memoryview) -> tuple[int, SegmentationMask]:
    frame = frame_from_image(parse_image(data), "")
    rows = frame.data[: frame.step * frame.height].reshape(frame.height, frame.step)
    return frame.stamp_ns, SegmentationMask(class_ids=np.ascontiguousarray(rows[:, : frame.width]))
