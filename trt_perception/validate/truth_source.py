"""Truth from outside the bag that is validated: a COCO file, or another bag."""

from __future__ import annotations

import tempfile
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Protocol

from trt_perception.bag.bag_files import is_bag
from trt_perception.bag.bag_reader import BagReader
from trt_perception.bag.coco_file import CocoImage, read_coco
from trt_perception.bag.true_objects_message import decode_true_objects
from trt_perception.cdr import DETECTION_ARRAY_TYPE, decode_label_info
from trt_perception.cdr.header_bytes import read_stamp_ns
from trt_perception.errors import FrameError, InputError
from trt_perception.validate.bag_plan import TruthTopics, truth_topics
from trt_perception.validate.frame_truth import FrameTruth, decode_mask

Key = tuple[str, int]
"""Camera, and stamp in nanoseconds."""


class TruthSource(Protocol):
    """Truth by camera and stamp."""

    def get(self, camera: str, stamp_ns: int) -> FrameTruth | None:
        """The truth of one frame; None where it has none."""

    def keys(self) -> Iterable[Key]:
        """Every image of which something is known."""

    def close(self) -> None:
        """Free what it took. Harmless when called twice."""


def open_truth(path: Path, cameras: Mapping[str, str]) -> TruthSource:
    """The truth in a file or bag.

    Args:
        path: A COCO file (.json), or a bag.
        cameras: Image topic by camera of the bags that are validated.

    Raises:
        InputError: It is neither, or cannot be used.
        MissingError: The bag library is not installed.
    """
    if is_coco(path):
        return CocoTruth(path)
    if path.exists() and is_bag(path):
        return BagTruth(path, cameras)
    raise InputError(f"{path}: expected a COCO file (.json) or a bag with the truth, found neither; check the path")


def is_coco(path: Path) -> bool:
    """Whether a path is taken for a COCO file."""
    return path.suffix.lower() == ".json"


class CocoTruth:
    """A COCO file whose images say camera and stamp.

    Args:
        path: The file.

    Raises:
        InputError: It cannot be used.
    """

    def __init__(self, path: Path) -> None:
        self._images: dict[Key, CocoImage] = {}
        for image in read_coco(path).images:
            if not image.camera or image.stamp_ns is None:
                raise InputError(
                    f"{path}: {image.file_name}: expected `camera` and `stamp_ns` in every image, by which its frame "
                    "is found; add them"
                )
            if (image.camera, image.stamp_ns) in self._images:
                raise InputError(f"{path}: camera {image.camera} has two images of stamp {image.stamp_ns}; keep one")
            self._images[image.camera, image.stamp_ns] = image

    def get(self, camera: str, stamp_ns: int) -> FrameTruth | None:
        """The objects of one image."""
        image = self._images.get((camera, stamp_ns))
        return None if image is None else FrameTruth(objects=image.objects, condition=image.condition)

    def keys(self) -> Iterable[Key]:
        """All images."""
        return self._images.keys()

    def close(self) -> None:
        """Nothing to free."""


class BagTruth:
    """The truth topics of another bag, or, where it has none, its detections.

    Its messages are copied into a temporary file, compressed, to be found by stamp; memory holds their places.

    Args:
        path: The bag.
        cameras: Image topic by camera of the bags that are validated.

    Raises:
        InputError: It has no such topic, or is damaged.
        MissingError: The bag library is not installed.
    """

    def __init__(self, path: Path, cameras: Mapping[str, str]) -> None:
        reader = BagReader(path)
        topics = {camera: _topics(reader, camera, topic) for camera, topic in cameras.items()}
        self._labels = {camera: read_mask_labels(reader, found.labels) for camera, found in topics.items()}
        self._objects: dict[Key, tuple[int, int]] = {}
        self._masks: dict[Key, tuple[int, int]] = {}
        places = {found.objects: (camera, self._objects) for camera, found in topics.items() if found.objects}
        places |= {found.masks: (camera, self._masks) for camera, found in topics.items() if found.masks}
        if not places:
            raise InputError(
                f"{path}: expected truth (.../ground_truth/detections or .../ground_truth/segmentation) or detections "
                f"of {', '.join(cameras)}; its topics: {', '.join(reader.topics) or 'none'}"
            )
        self._file = tempfile.TemporaryFile()  # noqa: SIM115  it lives as long as this object
        try:
            self._copy(reader, places)
        except BaseException:
            self._file.close()
            raise

    def get(self, camera: str, stamp_ns: int) -> FrameTruth | None:
        """What the bag says of one frame; None where it says nothing, or the message is damaged."""
        key = camera, stamp_ns
        try:
            objects = decode_true_objects(self._read(self._objects[key])).objects if key in self._objects else None
            mask = decode_mask(self._read(self._masks[key])) if key in self._masks else None
        except FrameError:
            return None
        if objects is None and mask is None:
            return None
        return FrameTruth(objects=objects, mask=mask, mask_labels=self._labels[camera])

    def keys(self) -> Iterable[Key]:
        """Every stamp of a truth topic."""
        return self._objects.keys() | self._masks.keys()

    def close(self) -> None:
        """Remove the temporary file."""
        self._file.close()

    def _copy(self, reader: BagReader, places: Mapping[str, tuple[str, dict[Key, tuple[int, int]]]]) -> None:
        for message in reader.messages(places):
            camera, index = places[message.topic]
            try:
                key = camera, read_stamp_ns(message.data)
            except FrameError:
                continue
            if key not in index:
                packed = zlib.compress(message.data, 1)
                index[key] = self._file.tell(), len(packed)
                self._file.write(packed)

    def _read(self, place: tuple[int, int]) -> bytes:
        self._file.seek(place[0])
        return zlib.decompress(self._file.read(place[1]))


def read_mask_labels(reader: BagReader, topic: str) -> Mapping[int, str]:
    """Name by class id, from the first message of a LabelInfo topic; nothing where there is none."""
    message = next(reader.messages([topic]), None) if topic else None
    try:
        return {} if message is None else decode_label_info(message.data).class_map
    except FrameError:
        return {}


def _topics(reader: BagReader, camera: str, image_topic: str) -> TruthTopics:
    found = truth_topics(reader, camera, image_topic)
    if found.objects or found.masks:
        return found
    folders = [image_topic.removesuffix("/compressed").rpartition("/")[0], f"/{camera}"]
    names = [f"{folder}/detections" for folder in folders]
    return TruthTopics(
        objects=next(
            (name for name in names if name in reader.topics and reader.topics[name].type_name == DETECTION_ARRAY_TYPE),
            "",
        )
    )
