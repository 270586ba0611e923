"""vision_msgs/msg/Detection2DArray as typed records: for bags, ground truth and tests, not for the hot path."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trt_perception.cdr.cdr_reader import CdrReader
from trt_perception.cdr.cdr_writer import CdrWriter

DETECTION_ARRAY_TYPE = "vision_msgs/msg/Detection2DArray"

_POSE_AND_COVARIANCE = np.zeros(43)
_POSE_AND_COVARIANCE[6] = 1.0  # orientation w: the identity

_SMALLEST_DETECTION = 12 + 4 + 40 + 4  # header, no results, box, id: bytes, padding left out
_SMALLEST_RESULT = 4 + 8 + 43 * 8


@dataclass(frozen=True, kw_only=True)
class HypothesisRecord:
    """One ObjectHypothesisWithPose; its pose is not kept.

    Args:
        class_id: Label.
        score: 0 to 1.
    """

    class_id: str
    score: float


@dataclass(frozen=True, kw_only=True)
class DetectionRecord:
    """One Detection2D.

    Args:
        stamp_ns: Stamp of its own header, nanoseconds.
        frame_id: Coordinate frame of its own header.
        results: What it may be, in the message's order.
        center_x: Centre of the box, px.
        center_y: Centre of the box, px.
        theta: Turn of the box, radians.
        size_x: Width of the box, px.
        size_y: Height of the box, px.
        id: Track of the object, or empty.
    """

    stamp_ns: int
    frame_id: str
    results: tuple[HypothesisRecord, ...]
    center_x: float
    center_y: float
    theta: float = 0.0
    size_x: float
    size_y: float
    id: str = ""


@dataclass(frozen=True, kw_only=True)
class DetectionArrayMessage:
    """One Detection2DArray.

    Args:
        stamp_ns: Stamp of the header, nanoseconds.
        frame_id: Coordinate frame of the header.
        detections: In the message's order.
    """

    stamp_ns: int
    frame_id: str
    detections: tuple[DetectionRecord, ...]


def decode_detection_array(data: bytes | memoryview) -> DetectionArrayMessage:
    """Reads a Detection2DArray message.

    Raises:
        FrameError: malformed or big_endian.
    """
    reader = CdrReader(DETECTION_ARRAY_TYPE, data)
    stamp_ns, frame_id = reader.header()
    detections = tuple(_read_detection(reader) for _ in range(reader.count(_SMALLEST_DETECTION)))
    return DetectionArrayMessage(stamp_ns=stamp_ns, frame_id=frame_id, detections=detections)


def encode_detection_array(message: DetectionArrayMessage) -> bytes:
    """Writes a Detection2DArray message; poses are the identity with zero covariance.

    Raises:
        ValueError: A stamp that does not fit a Time message.
    """
    writer = CdrWriter()
    writer.header(message.stamp_ns, message.frame_id)
    writer.number("I", len(message.detections))
    for detection in message.detections:
        writer.header(detection.stamp_ns, detection.frame_id)
        writer.number("I", len(detection.results))
        for result in detection.results:
            writer.text(result.class_id)
            writer.doubles([result.score])
            writer.doubles(_POSE_AND_COVARIANCE)
        box = (detection.center_x, detection.center_y, detection.theta, detection.size_x, detection.size_y)
        writer.doubles(box)
        writer.text(detection.id)
    return writer.message()


def _read_detection(reader: CdrReader) -> DetectionRecord:
    stamp_ns, frame_id = reader.header()
    results = tuple(_read_hypothesis(reader) for _ in range(reader.count(_SMALLEST_RESULT)))
    center_x, center_y, theta, size_x, size_y = reader.doubles(5).tolist()
    return DetectionRecord(
        stamp_ns=stamp_ns,
        frame_id=frame_id,
        results=results,
        center_x=center_x,
        center_y=center_y,
        theta=theta,
        size_x=size_x,
        size_y=size_y,
        id=reader.text(),
    )


def _read_hypothesis(reader: CdrReader) -> HypothesisRecord:
    class_id = reader.text()
    score = reader.real("d")
    reader.doubles(_POSE_AND_COVARIANCE.size)
    return HypothesisRecord(class_id=class_id, score=score)
