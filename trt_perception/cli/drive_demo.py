"""The demo on the synthetic drive, whose ground truth is known."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from trt_perception.bag.bag_reader import BagReader
from trt_perception.bag.camera_topics import CameraTopics
from trt_perception.bag.true_objects_message import decode_true_objects
from trt_perception.cdr.compressed_image_message import parse_compressed_image
from trt_perception.cdr.image_message import parse_image
from trt_perception.cli.demo_source import FrameTruth
from trt_perception.cli.progress import progress_bar
from trt_perception.demo.classes import MASK_NAMES
from trt_perception.demo.drive import Drive
from trt_perception.demo.drive_bag import write_drive_bag
from trt_perception.demo.drive_options import DriveOptions
from trt_perception.preprocess.color_image import color_image
from trt_perception.preprocess.decode_image import decode_image


class DriveDemo:
    """Draws a drive into a bag, plays the bag, and keeps images and truth at hand.

    Args:
        bag: Folder of the bag that is made.
        options: The drive.

    Raises:
        BagError: The bag cannot be written.
        MissingError: The bag library is not installed.
    """

    has_own_time = True
    mask_labels: Sequence[str] = MASK_NAMES

    def __init__(self, bag: Path, options: DriveOptions) -> None:
        self._bag = bag
        drive = Drive(options=options)
        self.cameras: Sequence[str] = tuple(drive.cameras)
        self.rate_hz = options.rate_hz
        self.description = (
            f"a synthetic drive of {options.duration_s:g} s, {options.cameras} cameras at {options.rate_hz:g} Hz, "
            f"{options.width}x{options.height}, seed {options.seed}, {options.condition}"
        )
        with progress_bar("drawing the drive", total=len(drive), unit="instant") as bar:
            write_drive_bag(drive, bag, workers=os.cpu_count() or 1, on_sample=bar.update)
        self._images = {camera: self._read(self.topic(camera)) for camera in self.cameras}
        self._truth = {camera: list(self._read_truth(CameraTopics(camera=camera))) for camera in self.cameras}

    @property
    def play_arguments(self) -> Sequence[str]:
        """Arguments of `trt-perception play`: the images, without the truth."""
        return (str(self._bag), "--topics", *map(self.topic, self.cameras))

    def topic(self, camera: str) -> str:
        """The camera's image topic."""
        return CameraTopics(camera=camera).compressed_image

    def image(self, camera: str, index: int) -> NDArray[np.uint8]:
        """The camera's frame that was sent as number `index`: uint8 (h, w, 3), BGR."""
        return color_image(decode_image(parse_compressed_image(self._images[camera][index], camera)))

    def truth(self, camera: str, index: int) -> FrameTruth:
        """What is really in that frame."""
        return self._truth[camera][index]

    def _read(self, topic: str) -> list[bytes | memoryview]:
        return [message.data for message in BagReader(self._bag).messages([topic])]

    def _read_truth(self, topics: CameraTopics) -> Iterator[FrameTruth]:
        for objects, mask in zip(self._read(topics.true_objects), self._read(topics.true_mask), strict=True):
            image = parse_image(mask)
            rows = image.data.reshape(image.height, image.step)
            yield FrameTruth(objects=decode_true_objects(objects).objects, mask=rows[:, : image.width])
