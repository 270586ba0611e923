"""One head's answer to one frame, out of the message in which it was published or recorded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from trt_perception.cdr.detection_array_message import decode_detection_array
from trt_perception.cdr.image_message import frame_from_image, parse_image
from trt_perception.detections import Detections
from trt_perception.encoding import Encoding
from trt_perception.errors import DropReason, FrameError


@dataclass(frozen=True, kw_only=True, eq=False)
class BoxAnswer:
    """Objects.

    Args:
        stamp_ns: Stamp of the header, nanoseconds.
        frame_id: Coordinate frame of the header.
        labels: n classes, as published.
        boxes: float64 (n, 4), x1 y1 x2 y2 in px.
        scores: float64 (n,).
        stray_headers: Detections whose own header is another than the array's.
    """

    stamp_ns: int
    frame_id: str
    labels: tuple[str, ...]
    boxes: NDArray[np.float64] = field(repr=False)
    scores: NDArray[np.float64]
    stray_headers: int = 0

    def detections(self, class_ids: Mapping[str, int]) -> Detections:
        """The same with a number for each class."""
        return Detections(
            boxes=self.boxes.astype(np.float32),
            scores=self.scores.astype(np.float32),
            class_ids=np.array([class_ids[label] for label in self.labels], np.int32),
        )

    def renamed(self, published: Mapping[str, str | None]) -> BoxAnswer:
        """The same with the classes' published names, and without those that are not published."""
        names = [published.get(label, label) for label in self.labels]
        kept = np.array([name is not None for name in names], np.bool_)
        return BoxAnswer(
            stamp_ns=self.stamp_ns,
            frame_id=self.frame_id,
            labels=tuple(name for name in names if name is not None),
            boxes=self.boxes[kept],
            scores=self.scores[kept],
            stray_headers=self.stray_headers,
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class MaskAnswer:
    """Classes.

    Args:
        stamp_ns: Stamp of the header, nanoseconds.
        frame_id: Coordinate frame of the header.
        class_ids: uint8 (h, w).
    """

    stamp_ns: int
    frame_id: str
    class_ids: NDArray[np.uint8] = field(repr=False)

    def hidden(self, class_ids: Sequence[int], unlabelled: int) -> MaskAnswer:
        """The same with some classes unlabelled."""
        mask = np.where(np.isin(self.class_ids, class_ids), np.uint8(unlabelled), self.class_ids)
        return MaskAnswer(stamp_ns=self.stamp_ns, frame_id=self.frame_id, class_ids=mask)


def read_boxes(data: bytes | memoryview) -> BoxAnswer:
    """Reads a Detection2DArray.

    Raises:
        FrameError: It is none, a number in it is none, or a detection has no result.
    """
    message = decode_detection_array(data)
    found = message.detections
    if any(not detection.results for detection in found):
        raise FrameError(DropReason.MALFORMED, "a detection without a result, expected one: class and score")
    centre = np.array([(d.center_x, d.center_y) for d in found]).reshape(-1, 2)
    half = np.array([(d.size_x, d.size_y) for d in found]).reshape(-1, 2) / 2
    boxes = np.concatenate([centre - half, centre + half], axis=1)
    scores = np.array([d.results[0].score for d in found], np.float64)
    if not (np.isfinite(boxes).all() and np.isfinite(scores).all()):
        raise FrameError(DropReason.MALFORMED, "a box or a score that is not finite")
    return BoxAnswer(
        stamp_ns=message.stamp_ns,
        frame_id=message.frame_id,
        labels=tuple(d.results[0].class_id for d in found),
        boxes=boxes,
        scores=scores,
        stray_headers=sum((d.stamp_ns, d.frame_id) != (message.stamp_ns, message.frame_id) for d in found),
    )


def read_mask(data: bytes | memoryview) -> MaskAnswer:
    """Reads a mask: an Image of mono8.

    Raises:
        FrameError: It is none.
    """
    frame = frame_from_image(parse_image(data), "")
    if frame.encoding is not Encoding.MONO8:
        raise FrameError(DropReason.UNKNOWN_ENCODING, f"a mask is mono8, got {frame.encoding.value}")
    rows = frame.data[: frame.step * frame.height].reshape(frame.height, frame.step)
    return MaskAnswer(stamp_ns=frame.stamp_ns, frame_id=frame.frame_id, class_ids=rows[:, : frame.width])
