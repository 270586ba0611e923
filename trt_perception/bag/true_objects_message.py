"""Ground truth as vision_msgs/msg/Detection2DArray.

A detection is an object: its first result is the class with score 1, its id the track. What vision_msgs has no field
for follows as further results, named in `ATTRIBUTES` with the value as their score: ``visible_fraction``,
``truncation``, and ``ignored`` where the object does not count. A reader that knows nothing of them sees the class
first; truth that others recorded, with classes only, reads as fully visible and counted.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from trt_perception.bag.finite_float32 import finite_float32
from trt_perception.bag.true_objects import TrueObjects
from trt_perception.cdr.detection_array_message import (
    DETECTION_ARRAY_TYPE,
    DetectionArrayMessage,
    DetectionRecord,
    HypothesisRecord,
    decode_detection_array,
    encode_detection_array,
)
from trt_perception.cdr.wire import malformed

VISIBLE_FRACTION = "visible_fraction"
TRUNCATION = "truncation"
IGNORED = "ignored"
ATTRIBUTES = (VISIBLE_FRACTION, TRUNCATION, IGNORED)


@dataclass(frozen=True, kw_only=True, eq=False)
class TrueObjectsMessage:
    """The truth of one image.

    Args:
        stamp_ns: Stamp of the image, nanoseconds.
        frame_id: Coordinate frame of the image.
        objects: What is in it.
    """

    stamp_ns: int
    frame_id: str
    objects: TrueObjects


def encode_true_objects(message: TrueObjectsMessage) -> bytes:
    """Writes the truth of one image.

    Raises:
        ValueError: A stamp that does not fit a Time message.
    """
    detections = tuple(_record(message, index) for index in range(len(message.objects)))
    return encode_detection_array(
        DetectionArrayMessage(stamp_ns=message.stamp_ns, frame_id=message.frame_id, detections=detections)
    )


def decode_true_objects(data: bytes | memoryview) -> TrueObjectsMessage:
    """Reads the truth of one image; of a turned box, the upright box around it.

    Raises:
        FrameError: malformed (a box or an attribute that no float32 holds, too) or big_endian.
    """
    message = decode_detection_array(data)
    records = message.detections
    attributes = [{result.class_id: result.score for result in record.results} for record in records]
    try:
        objects = TrueObjects(
            boxes=finite_float32([_box(record) for record in records]).reshape(-1, 4),
            labels=tuple(_label(record) for record in records),
            track_ids=tuple(record.id for record in records),
            visible_fraction=finite_float32([values.get(VISIBLE_FRACTION, 1.0) for values in attributes]),
            truncation=finite_float32([values.get(TRUNCATION, 0.0) for values in attributes]),
            ignored=np.array([IGNORED in values for values in attributes], np.bool_),
        )
    except ValueError as error:
        raise malformed(DETECTION_ARRAY_TYPE, f"box or attribute: {error}") from None
    return TrueObjectsMessage(stamp_ns=message.stamp_ns, frame_id=message.frame_id, objects=objects)


def _record(message: TrueObjectsMessage, index: int) -> DetectionRecord:
    objects = message.objects
    x1, y1, x2, y2 = objects.boxes[index].tolist()
    results = [
        HypothesisRecord(class_id=objects.labels[index], score=1.0),
        HypothesisRecord(class_id=VISIBLE_FRACTION, score=float(objects.visible_fraction[index])),
        HypothesisRecord(class_id=TRUNCATION, score=float(objects.truncation[index])),
    ]
    if objects.ignored[index]:
        results.append(HypothesisRecord(class_id=IGNORED, score=1.0))
    return DetectionRecord(
        stamp_ns=message.stamp_ns,
        frame_id=message.frame_id,
        results=tuple(results),
        center_x=(x1 + x2) / 2.0,
        center_y=(y1 + y2) / 2.0,
        size_x=x2 - x1,
        size_y=y2 - y1,
        id=objects.track_ids[index],
    )


def _label(record: DetectionRecord) -> str:
    """The class with the highest score; the first of several, and empty where there is none."""
    classes = [result for result in record.results if result.class_id not in ATTRIBUTES]
    return max(classes, key=lambda result: result.score).class_id if classes else ""


def _box(record: DetectionRecord) -> tuple[float, float, float, float]:
    if not math.isfinite(record.theta):
        raise malformed(DETECTION_ARRAY_TYPE, f"theta of a box is {record.theta}, expected an angle")
    cosine, sine = abs(math.cos(record.theta)), abs(math.sin(record.theta))
    half_x = (record.size_x * cosine + record.size_y * sine) / 2.0
    half_y = (record.size_x * sine + record.size_y * cosine) / 2.0
    return record.center_x - half_x, record.center_y - half_y, record.center_x + half_x, record.center_y + half_y
