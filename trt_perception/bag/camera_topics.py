"""Names of a camera's topics, and the cameras behind a bag's topics."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from trt_perception.bag.bag_topic import BagTopic
from trt_perception.bag.camera_name import camera_name
from trt_perception.cdr.compressed_image_message import COMPRESSED_IMAGE_TYPE
from trt_perception.cdr.image_message import IMAGE_TYPE

IMAGE_TYPES = (IMAGE_TYPE, COMPRESSED_IMAGE_TYPE)

VIDEO_TYPES = ("ffmpeg_image_transport_msgs/msg/FFMPEGPacket", "foxglove_msgs/msg/CompressedVideo")
"""Types that hold H.264, H.265 and the like, whose pictures cannot be decoded one by one."""

_NOT_PICTURES = ("compressedDepth", "theora", "zstd", "ffmpeg")
"""Last parts of image_transport topics that are no JPEG or PNG, though some have the type CompressedImage."""


@dataclass(frozen=True, kw_only=True)
class CameraTopics:
    """The topics of one camera, as this package's node and bags name them.

    Args:
        camera: Name of the camera.
    """

    camera: str

    @property
    def image(self) -> str:
        """Raw images."""
        return f"/{self.camera}/image_raw"

    @property
    def compressed_image(self) -> str:
        """JPEG or PNG images."""
        return f"/{self.camera}/image_raw/compressed"

    @property
    def camera_info(self) -> str:
        """How the camera sees."""
        return f"/{self.camera}/camera_info"

    @property
    def detections(self) -> str:
        """Detected objects."""
        return f"/{self.camera}/detections"

    @property
    def segmentation(self) -> str:
        """Masks of class ids."""
        return f"/{self.camera}/segmentation"

    @property
    def true_objects(self) -> str:
        """Ground truth: objects."""
        return f"/{self.camera}/ground_truth/detections"

    @property
    def true_mask(self) -> str:
        """Ground truth: masks of class ids."""
        return f"/{self.camera}/ground_truth/segmentation"

    @property
    def true_mask_labels(self) -> str:
        """Ground truth: the names of the masks' class ids."""
        return f"/{self.camera}/ground_truth/label_info"


def camera_topics(topics: Iterable[BagTopic]) -> dict[str, str]:
    """Image topic by camera, in order of the cameras' names.

    A topic of type Image or CompressedImage is a camera's where its last part (``compressed`` left out) begins with
    ``image``: ``/front/image_raw`` is, ``/front/segmentation`` and ``/front/debug_image`` are not. The camera's name is
    the part before it, with as many parts in front as tell the cameras apart. Where a camera has several topics, raw
    goes before compressed, and what comes first in order of name before the rest.
    """
    parts = {topic.name: _camera_parts(topic.name) for topic in topics if _is_camera_image(topic)}
    names = _shortest_names(set(parts.values()))
    cameras: dict[str, str] = {}
    for topic in sorted(parts, key=lambda name: (name.endswith("/compressed"), name)):
        cameras.setdefault(names[parts[topic]], topic)
    return dict(sorted(cameras.items()))


def _is_camera_image(topic: BagTopic) -> bool:
    if topic.type_name not in IMAGE_TYPES:
        return False
    last = topic.name.rsplit("/", 1)[-1]
    return last not in _NOT_PICTURES and _without_transport(topic.name).rsplit("/", 1)[-1].startswith("image")


def _without_transport(topic: str) -> str:
    return topic.removesuffix("/compressed")


def _camera_parts(topic: str) -> tuple[str, ...]:
    """The parts of a topic's name in front of ``image...``."""
    parts = tuple(part for part in _without_transport(topic).split("/") if part)
    return parts[:-1] or ("camera",)


def _shortest_names(cameras: Iterable[tuple[str, ...]]) -> Mapping[tuple[str, ...], str]:
    """A name for each camera: its last part, or as many last parts as make all names differ."""
    cameras = sorted(cameras)
    longest = max(map(len, cameras), default=0)
    for count in range(1, longest + 1):
        names = {camera: camera_name("_".join(camera[-count:])) for camera in cameras}
        if max(Counter(names.values()).values()) == 1:
            return names
    return {camera: f"{camera_name('_'.join(camera))}_{index}" for index, camera in enumerate(cameras)}
