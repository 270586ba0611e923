"""An offline run and the recording of a live node, made from plain lists."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from helpers.validation_records import LABELS, Found, make_detections, make_record, make_run
from trt_perception.bag.bag_writer import BagWriter
from trt_perception.cdr import DETECTION_ARRAY_TYPE, IMAGE_TYPE, DetectionArrayEncoder, encode_image
from trt_perception.errors import DropReason
from trt_perception.validate.frame_record import FrameRecord

BOX = (10.0, 10.0, 50.0, 40.0)
FRAMES = 4
CAMERAS = ("front", "left")


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One message of a head."""

    camera: str
    stamp_ns: int
    found: Found = ((BOX, 0.8, 0), ((100.0, 20.0, 130.0, 60.0), 0.6, 1))
    frame_id: str = "optical"
    labels: tuple[str, ...] = LABELS
    mask: np.ndarray | None = None

    @property
    def topic(self) -> str:
        """As the node names it."""
        return f"/{self.camera}/{'detections' if self.mask is None else 'segmentation'}"

    @property
    def data(self) -> bytes:
        """The message."""
        if self.mask is not None:
            return encode_image(self.mask, stamp_ns=self.stamp_ns, frame_id=self.frame_id, encoding="mono8")
        encoder = DetectionArrayEncoder(self.labels)
        return encoder.encode(make_detections(self.found), stamp_ns=self.stamp_ns, frame_id=self.frame_id)


def answers(cameras: Iterable[str] = CAMERAS, *, masks: bool = False) -> list[Answer]:
    """Two objects in each of four frames, and where asked a mask."""
    found = []
    for record in records(cameras):
        answer = Answer(camera=record.camera, stamp_ns=record.stamp_ns or 0)
        found += [answer, replace(answer, mask=np.zeros((48, 64), np.uint8))] if masks else [answer]
    return found


def records(cameras: Iterable[str] = CAMERAS) -> list[FrameRecord]:
    """The frames of these answers."""
    return [make_record(index, camera=camera, road=None) for index in range(FRAMES) for camera in sorted(cameras)]


def skipped(camera: str, index: int, reason: DropReason) -> FrameRecord:
    """A frame that the offline run skipped."""
    return make_record(index, camera=camera, skipped=reason)


def stamp(index: int) -> int:
    """Of frame `index`."""
    return (1000 + index) * 10**9


def write_answers(
    path: Path, found: Iterable[Answer], *, prefix: str = "", topics: Mapping[str, str] | None = None
) -> Path:
    """A bag of these answers, logged in their order.

    Args:
        topics: Topic and type, what the bag announces. Default: those of the answers.
    """
    found = list(found)
    kinds = {prefix + a.topic: DETECTION_ARRAY_TYPE if a.mask is None else IMAGE_TYPE for a in found}
    with BagWriter(path) as writer:
        for topic, kind in sorted((kinds if topics is None else topics).items()):
            writer.add_topic(topic, kind)
        for index, answer in enumerate(found):
            writer.write(prefix + answer.topic, answer.data, log_time_ns=index)
    return path


def write_offline(folder: Path, frames: Iterable[FrameRecord] | None = None, *, masks: bool = False) -> Path:
    """The folder of an offline run that found what `answers` finds, in the frames that it did not skip."""
    kept = records() if frames is None else list(frames)
    if masks:
        kept = [replace(record, confusion={"road": np.array([(1, 1, 5)], np.int64)}) for record in kept]
    make_run(folder, kept)
    done = {(record.camera, record.stamp_ns) for record in kept if record.skipped is None}
    cameras = {record.camera for record in kept}
    found = [answer for answer in answers(cameras, masks=masks) if (answer.camera, answer.stamp_ns) in done]
    write_answers(folder / "detections", found)
    return folder
