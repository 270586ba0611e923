"""The images of a bag or a folder, one after another, with the condition under which each was taken."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from trt_perception.bag.bag_files import is_bag
from trt_perception.bag.bag_image import BagImage
from trt_perception.bag.bag_reader import BagReader
from trt_perception.bag.camera_name import camera_name
from trt_perception.bag.image_folder import FolderImage, ImageFolder
from trt_perception.cdr.string_message import STRING_TYPE, decode_string
from trt_perception.errors import BagError, FrameError, InputError
from trt_perception.frame import EncodedFrame, Frame
from trt_perception.preprocess.decode_image import decode_image

CONDITION_TOPIC = "/ground_truth/condition"
"""Light and weather as a word (std_msgs/String), valid for the images that follow."""


@dataclass(frozen=True, kw_only=True, eq=False)
class SourceImage:
    """One image, not decoded.

    Args:
        image: As bag or folder give it.
        ordinal: Its number among the images of its camera in this source, from zero.
        time_ns: Log time, or a folder image's time, nanoseconds.
        condition: Word of the condition; empty where the source does not say.
        label: Names it for people.
        partners: Images of the model's other inputs, in their order; empty for a model of one input.
    """

    image: BagImage | FolderImage
    ordinal: int
    time_ns: int
    condition: str
    label: str
    partners: tuple[SourceImage, ...] = ()

    @property
    def camera(self) -> str:
        """Name of the camera."""
        return self.image.camera

    def encoded(self) -> Frame | EncodedFrame:
        """The frame as it came.

        Raises:
            FrameError: The image cannot be used.
        """
        return self.image.frame()


def raw_frame(frame: Frame | EncodedFrame) -> Frame:
    """The frame, decoded where it is compressed.

    Raises:
        FrameError: It does not decode.
    """
    return decode_image(frame) if isinstance(frame, EncodedFrame) else frame


class ImageSource:
    """A bag or a folder of images, read as often as wanted.

    A folder's subfolders are cameras; images right in the folder are all of one camera, named after the folder.

    Args:
        path: The bag or folder.

    Attributes:
        path: The bag or folder.
        camera_counts: Images by camera.

    Raises:
        InputError: There is no such bag or folder, or it has no images.
        MissingError: The bag library is not installed.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        if not path.exists():
            raise InputError(f"{path}: no such bag or folder; give a bag, or a folder of images")
        self._bag = BagReader(path) if is_bag(path) else None
        self._folder = None if self._bag else ImageFolder(path, camera=camera_name(path.resolve().name))
        self.camera_counts: Mapping[str, int] = self._counts()

    def check_times(self, cameras: Sequence[str]) -> None:
        """See that the times of a folder's images say which belong together; a bag's stamps do.

        Raises:
            InputError: The names tell no time, and the cameras' files have other names.
        """
        if self._folder is None or self._folder.tells_time:
            return
        stems = [[file.stem for file in self._folder.cameras[camera]] for camera in cameras]
        if any(found != stems[0] for found in stems):
            raise InputError(
                f"{self.path}: the files of {', '.join(cameras)} have no time in their names and are not called the "
                "same; name them by their time in ms, us or ns since 1970, or those that belong together alike"
            )

    def images(self) -> Iterator[SourceImage]:
        """All images in order of time.

        Raises:
            BagError: While reading: a file is damaged.
        """
        return self._of_bag(self._bag) if self._bag else self._of_folder()

    def _counts(self) -> dict[str, int]:
        if self._folder:
            return {camera: len(files) for camera, files in self._folder.cameras.items()}
        bag = self._bag
        if bag is None or not any(bag.topics[topic].message_count for topic in bag.cameras.values()):
            raise BagError(self.path, "expected images, found none", "record the cameras' image topics")
        return {camera: bag.topics[topic].message_count for camera, topic in bag.cameras.items()}

    def _of_folder(self) -> Iterator[SourceImage]:
        ordinals: Counter[str] = Counter()
        for image in self._folder.images() if self._folder else ():
            yield SourceImage(
                image=image,
                ordinal=ordinals[image.camera],
                time_ns=image.stamp_ns,
                condition="",
                label=str(image.path),
            )
            ordinals[image.camera] += 1

    def _of_bag(self, bag: BagReader) -> Iterator[SourceImage]:
        cameras = {topic: camera for camera, topic in bag.cameras.items()}
        told = bag.topics.get(CONDITION_TOPIC)
        has_condition = told is not None and told.type_name == STRING_TYPE
        ordinals: Counter[str] = Counter()
        condition = ""
        for message in bag.messages([*cameras, *([CONDITION_TOPIC] if has_condition else [])]):
            camera = cameras.get(message.topic)
            if camera is None:
                condition = _word(message.data)
                continue
            ordinal = ordinals[camera]
            ordinals[camera] += 1
            yield SourceImage(
                image=BagImage(camera=camera, message=message),
                ordinal=ordinal,
                time_ns=message.log_time_ns,
                condition=condition,
                label=f"{self.path}: {message.topic}, image {ordinal}, logged at {message.log_time_ns} ns",
            )


def _word(data: bytes | memoryview) -> str:
    """The condition's word; a damaged message says nothing."""
    try:
        return decode_string(data)
    except FrameError:
        return ""
