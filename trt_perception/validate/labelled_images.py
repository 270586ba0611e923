"""The images of bags and folders with what is really in them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from trt_perception.bag.bag_files import is_bag
from trt_perception.bag.bag_reader import BagReader
from trt_perception.bag.camera_topics import CameraTopics
from trt_perception.bag.coco_file import read_coco
from trt_perception.bag.image_folder import FolderImage
from trt_perception.bag.image_folder_writer import COCO_NAME, MASK_FOLDER
from trt_perception.bag.true_objects import TrueObjects
from trt_perception.bag.true_objects_message import decode_true_objects
from trt_perception.calibration.image_source import ImageSource, SourceImage, raw_frame
from trt_perception.calibration.paired_images import ModelInputs, PairedImages
from trt_perception.cdr.image_message import frame_from_image, parse_image
from trt_perception.errors import FrameError, InputError
from trt_perception.frame import Frame
from trt_perception.model.model_spec import HeadSpec
from trt_perception.preprocess.color_image import color_image
from trt_perception.validate.image_truth import ImageTruth
from trt_perception.validate.truth_of_image import TruthOfImage


@dataclass(frozen=True, kw_only=True, eq=False)
class LabelledImage:
    """One image.

    Args:
        frame: The image, decoded.
        truth: What is in it, by head; without any where no truth was asked for.
        label: Names it for people.
        partners: Images of the model's other inputs, decoded; empty for a model of one input.
    """

    frame: Frame
    truth: TruthOfImage
    label: str
    partners: tuple[Frame, ...] = ()


class LabelledImages:
    """Images of several sources, spread evenly over each.

    Truth of a folder: `coco.json` and `masks/` in it, as `ImageFolderWriter` writes them. Truth of a bag: the
    `ground_truth` topics of `CameraTopics`, under the stamps of the images.

    Args:
        sources: Bags, and folders of images.
        heads: The model's heads, whose labels the truth is brought to.
        with_truth: Whether the truth is wanted.
        frames: How many images in all, at most. Default: all.
        inputs: Of a model of several inputs; then the images are the first ones of complete sets. Default: it has one.

    Raises:
        InputError: A source cannot be used, or has no truth although it is wanted.
        MissingError: The bag library is not installed.
    """

    def __init__(
        self,
        sources: Sequence[Path],
        heads: Sequence[HeadSpec],
        *,
        with_truth: bool = False,
        frames: int | None = None,
        inputs: ModelInputs | None = None,
    ) -> None:
        self._heads = tuple(heads)
        self._sources: list[ImageSource | PairedImages] = [
            ImageSource(source) if inputs is None else PairedImages(ImageSource(source), inputs) for source in sources
        ]
        self._truths: list[_FolderTruth | _BagTruth | None] = [
            _truth(source.path) if with_truth else None for source in self._sources
        ]
        total = sum(sum(source.camera_counts.values()) for source in self._sources)
        self._total, self._chosen = total, total if frames is None else min(frames, total)

    def __len__(self) -> int:
        return self._chosen

    def __iter__(self) -> Iterator[LabelledImage]:
        """The images in order of time, source after source.

        Raises:
            InputError: An image cannot be used, has no truth, or has a true class that no head knows.
        """
        number = 0
        for source, truths in zip(self._sources, self._truths, strict=True):
            for image in source.images():
                # Spread evenly: the n-th of all is taken where n x chosen / total passes a whole number.
                if number * self._chosen // self._total != (number + 1) * self._chosen // self._total:
                    yield self._labelled(image, truths)
                number += 1

    def _labelled(self, image: SourceImage, truths: _FolderTruth | _BagTruth | None) -> LabelledImage:
        try:
            frame, *others = (raw_frame(each.encoded()) for each in (image, *image.partners))
        except FrameError as error:
            raise InputError(f"{image.label}: cannot be used: {error}") from error
        truth = TruthOfImage() if truths is None else self._by_head(*truths.of(image), image.label)
        return LabelledImage(frame=frame, truth=truth, label=image.label, partners=tuple(others))

    def _by_head(self, objects: TrueObjects, mask: NDArray[np.uint8] | None, label: str) -> TruthOfImage:
        boxes = {head.name: _image_truth(objects, head, label) for head in self._heads if head.kind.is_detection}
        masks = {} if mask is None else {head.name: mask for head in self._heads if not head.kind.is_detection}
        return TruthOfImage(objects=boxes, masks=masks)


class _FolderTruth:
    """coco.json and masks/ of a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        file = folder / COCO_NAME
        if not file.is_file():
            raise InputError(f"{folder}: expected {COCO_NAME} with the truth, found none; judge without --truth")
        self._objects = {image.file_name: image.objects for image in read_coco(file).images}

    def of(self, image: SourceImage) -> tuple[TrueObjects, NDArray[np.uint8] | None]:
        assert isinstance(image.image, FolderImage)
        name = image.image.path.relative_to(self._folder).as_posix()
        if name not in self._objects:
            raise InputError(f"{image.label}: {COCO_NAME} does not list it; complete it, or judge without --truth")
        mask = (self._folder / MASK_FOLDER / name).with_suffix(".png")
        return self._objects[name], _read_mask(mask) if mask.is_file() else None


class _BagTruth:
    """Ground truth topics of a bag; masks are kept as PNG, a fiftieth of their size."""

    def __init__(self, path: Path) -> None:
        bag = BagReader(path)
        cameras = {camera: CameraTopics(camera=camera) for camera in bag.cameras}
        self._objects: dict[tuple[str, int], TrueObjects] = {}
        self._masks: dict[tuple[str, int], NDArray[np.uint8]] = {}
        boxes = {topics.true_objects: camera for camera, topics in cameras.items()}
        masks = {topics.true_mask: camera for camera, topics in cameras.items()}
        wanted = [topic for topic in (*boxes, *masks) if topic in bag.topics]
        if not any(topic in boxes for topic in wanted):
            raise InputError(
                f"{path}: expected topics with the truth, e.g. {next(iter(boxes), '')}, found none; "
                "judge without --truth"
            )
        for message in bag.messages(wanted):
            if message.topic in boxes:
                truth = decode_true_objects(message.data)
                self._objects[boxes[message.topic], truth.stamp_ns] = truth.objects
            else:
                frame = frame_from_image(parse_image(message.data), masks[message.topic])
                self._masks[frame.camera, frame.stamp_ns] = cv2.imencode(".png", _grey(frame))[1].ravel()

    def of(self, image: SourceImage) -> tuple[TrueObjects, NDArray[np.uint8] | None]:
        stamp_ns = image.image.stamp_ns
        key = (image.camera, -1 if stamp_ns is None else stamp_ns)
        if key not in self._objects:
            raise InputError(f"{image.label}: the bag has no truth of its stamp; judge without --truth")
        coded = self._masks.get(key)
        mask = None if coded is None else np.asarray(cv2.imdecode(coded, cv2.IMREAD_GRAYSCALE), np.uint8)
        return self._objects[key], mask


def _truth(path: Path) -> _FolderTruth | _BagTruth:
    return _BagTruth(path) if is_bag(path) else _FolderTruth(path)


def _grey(frame: Frame) -> NDArray[np.uint8]:
    """uint8 (h, w): class ids; a mono8 image as BGR has them in every channel."""
    return np.ascontiguousarray(color_image(frame)[:, :, 0])


def _read_mask(path: Path) -> NDArray[np.uint8]:
    mask = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    if mask is None:
        raise InputError(f"{path}: expected a PNG of class ids; it cannot be read")
    return np.asarray(mask, np.uint8)


def _image_truth(objects: TrueObjects, head: HeadSpec, label: str) -> ImageTruth:
    unknown = sorted(set(objects.labels) - set(head.labels))
    if unknown:
        raise InputError(
            f"{label}: true class {unknown[0]!r} is no label of head {head.name}; judge without --truth, or give the "
            "model that knows it"
        )
    return ImageTruth(
        boxes=objects.boxes,
        class_ids=np.array([head.labels.index(name) for name in objects.labels], np.int32),
        ignored=objects.ignored,
    )
