"""One bag of a validation run: which topics are read, and how it is cut into segments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from trt_perception.bag.bag_reader import BagReader
from trt_perception.bag.camera_sets import CameraSets
from trt_perception.bag.camera_topics import VIDEO_TYPES
from trt_perception.calibration.image_source import CONDITION_TOPIC
from trt_perception.cdr import DETECTION_ARRAY_TYPE, IMAGE_TYPE, LABEL_INFO_TYPE, STRING_TYPE
from trt_perception.errors import BagError

FRAMES_PER_SEGMENT = 100
"""What is lost at most when a run is ended: a few seconds of work."""


@dataclass(frozen=True, kw_only=True)
class TruthTopics:
    """Topics with the truth of one camera; empty where the bag has none."""

    objects: str = ""
    masks: str = ""
    labels: str = ""


@dataclass(frozen=True, kw_only=True)
class BagPlan:
    """One bag, as every process of a run sees it.

    Args:
        path: The bag.
        name: Its name in the results.
        start_ns: Earliest log time.
        end_ns: Latest log time.
        messages: Messages of all topics.
        cameras: Image topic by camera.
        frames: Messages of that topic by camera.
        truth: Truth topics of the bag itself by camera.
        has_condition: Whether the bag tells light and weather.
        unread: Topics of video packets, whose pictures cannot be read.
        bounds: Log times at which segments start, and the time after the last; n + 1 of n segments.
    """

    path: Path
    name: str
    start_ns: int
    end_ns: int
    messages: int
    cameras: Mapping[str, str]
    frames: Mapping[str, int]
    truth: Mapping[str, TruthTopics]
    has_condition: bool
    unread: tuple[str, ...]
    bounds: tuple[int, ...]

    @property
    def segment_count(self) -> int:
        """Segments of the bag."""
        return len(self.bounds) - 1

    @property
    def frame_count(self) -> int:
        """Frames of all cameras."""
        return sum(self.frames.values())

    def of_sets(self, sets: CameraSets) -> BagPlan:
        """The same bag with the cameras of some sets alone; truth is that of the first of each.

        Args:
            sets: Cameras that the bag has.
        """
        chosen = {camera: topic for camera, topic in self.cameras.items() if any(camera in cameras for cameras in sets)}
        frames = {camera: self.frames[camera] for camera in chosen}
        return replace(
            self,
            cameras=chosen,
            frames=frames,
            truth={cameras[0]: self.truth[cameras[0]] for cameras in sets},
            bounds=_bounds(self.start_ns, self.end_ns, sum(frames.values())),
        )

    def identity(self) -> dict[str, Any]:
        """What a later run compares before it continues; the bag may have moved meanwhile."""
        return {
            "name": self.name,
            "start_ns": self.start_ns,
            "end_ns": self.end_ns,
            "messages": self.messages,
            "cameras": dict(self.cameras),
            "frames": dict(self.frames),
            "bounds": list(self.bounds),
        }


def plan_bag(path: Path, *, name: str, cameras: Sequence[str] = ()) -> BagPlan:
    """Look at a bag's summary.

    Args:
        path: The bag.
        name: Its name in the results.
        cameras: Which cameras; none: all.

    Raises:
        BagError: There is no bag, it is damaged, or it has no images of these cameras.
        MissingError: The bag library is not installed.
    """
    reader = BagReader(path)
    chosen = _chosen(reader, cameras)
    frames = {camera: reader.topics[topic].message_count for camera, topic in chosen.items()}
    if not sum(frames.values()) or reader.start_ns is None or reader.end_ns is None:
        raise BagError(path, "expected images, found none", "record the cameras' image topics")
    condition = reader.topics.get(CONDITION_TOPIC)
    return BagPlan(
        path=path,
        name=name,
        start_ns=reader.start_ns,
        end_ns=reader.end_ns,
        messages=reader.message_count,
        cameras=chosen,
        frames=frames,
        truth={camera: truth_topics(reader, camera, topic) for camera, topic in chosen.items()},
        has_condition=condition is not None and condition.type_name == STRING_TYPE,
        unread=tuple(topic.name for topic in reader.topics.values() if topic.type_name in VIDEO_TYPES),
        bounds=_bounds(reader.start_ns, reader.end_ns, sum(frames.values())),
    )


def truth_topics(reader: BagReader, camera: str, image_topic: str) -> TruthTopics:
    """The truth that a bag has of a camera: beside its image topic, or under the camera's name."""
    folders = [image_topic.removesuffix("/compressed").rpartition("/")[0], f"/{camera}"]

    def first(last: str, kind: str) -> str:
        names = (f"{folder}/ground_truth/{last}" for folder in folders)
        return next((name for name in names if name in reader.topics and reader.topics[name].type_name == kind), "")

    return TruthTopics(
        objects=first("detections", DETECTION_ARRAY_TYPE),
        masks=first("segmentation", IMAGE_TYPE),
        labels=first("label_info", LABEL_INFO_TYPE),
    )


def _chosen(reader: BagReader, cameras: Sequence[str]) -> dict[str, str]:
    here = reader.cameras
    if not cameras or not here:
        reader.images()  # without any camera it says why: no images, or video packets
        return dict(here)
    if missing := [camera for camera in cameras if camera not in here]:
        raise BagError(
            reader.path, f"expected camera {', '.join(missing)}; it has {', '.join(here)}", "name one of these"
        )
    return {camera: topic for camera, topic in here.items() if camera in cameras}


def _bounds(start_ns: int, end_ns: int, frames: int) -> tuple[int, ...]:
    """Even steps of log time, so that any segment can be read without those before it."""
    stop_ns = end_ns + 1
    count = min(-(-frames // FRAMES_PER_SEGMENT), stop_ns - start_ns)
    return tuple(start_ns + (stop_ns - start_ns) * index // count for index in range(count + 1))
