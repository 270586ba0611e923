"""A folder of images as messages to play."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

from trt_perception.bag.bag_topic import BagMessage
from trt_perception.cdr.compressed_image_message import encode_compressed_image
from trt_perception.cdr.image_message import encode_image
from trt_perception.errors import InputError
from trt_perception.preprocess.color_image import color_image
from trt_perception.preprocess.decode_image import decode_image
from trt_perception.preprocess.encoded_file import read_encoded

SUFFIXES = (".jpg", ".jpeg", ".png")

KEPT_MESSAGES = 16
"""Serialized images kept for the next round; a raw 1080p image is 6 MB."""


@dataclass(frozen=True, kw_only=True)
class ImageFolderSource:
    """Images of one or more cameras, repeated at a fixed rate.

    A subfolder is a camera and its files in order of name are its frames. Files right in the folder are one camera
    each, named after the file, unless `camera` names the one camera whose frames they all are.

    Args:
        folder: The folder.
        raw: Whether to send raw bgr8 images instead of the files' own bytes.
        rate_hz: Images a second and camera.
        seconds: How long to go on; the frames start over when they are used up.
        camera: Name of the only camera.
    """

    folder: Path
    raw: bool = False
    rate_hz: float = 10.0
    seconds: float = 10.0
    camera: str = ""

    @cached_property
    def frames(self) -> Mapping[str, list[Path]]:
        """Files by camera.

        Raises:
            InputError: The folder is absent or holds no image.
        """
        if not self.folder.is_dir():
            raise InputError(f"{self.folder}: expected a folder of images; no such folder")
        cameras = {
            _camera_name(child.name): files for child in sorted(self.folder.iterdir()) if (files := _images_in(child))
        }
        loose = _images_in(self.folder)
        if self.camera and loose:
            cameras[self.camera] = loose
        else:
            cameras.update({_camera_name(file.stem): [file] for file in loose})
        if not cameras:
            raise InputError(f"{self.folder}: expected JPEG or PNG files, or a subfolder of them a camera; found none")
        return cameras

    @property
    def topics(self) -> Mapping[str, str]:
        """Type by topic."""
        return {self.topic(camera): self._type_name for camera in self.frames}

    @property
    def count(self) -> int:
        """Messages in all."""
        return self._rounds * len(self.frames)

    @property
    def _rounds(self) -> int:
        return max(1, round(self.seconds * self.rate_hz))

    @property
    def _type_name(self) -> str:
        return "sensor_msgs/msg/Image" if self.raw else "sensor_msgs/msg/CompressedImage"

    def topic(self, camera: str) -> str:
        """The camera's image topic."""
        return f"{camera}/image_raw" if self.raw else f"{camera}/image_raw/compressed"

    def messages(self) -> Iterator[BagMessage]:
        """Every message in order of time; header stamps are those times, counted from zero."""
        encode = lru_cache(maxsize=KEPT_MESSAGES)(self._encode)
        for step in range(self._rounds):
            for camera, files in self.frames.items():
                yield BagMessage(
                    topic=self.topic(camera),
                    type_name=self._type_name,
                    log_time_ns=int(step * 1e9 / self.rate_hz),
                    data=encode(camera, files[step % len(files)]),
                )

    def _encode(self, camera: str, file: Path) -> bytes:
        encoded = read_encoded(file, camera=camera)
        frame_id = f"{camera}_optical"
        if not self.raw:
            return encode_compressed_image(encoded.data, stamp_ns=0, frame_id=frame_id, format=encoded.format)
        return encode_image(color_image(decode_image(encoded)), stamp_ns=0, frame_id=frame_id, encoding="bgr8")


def _images_in(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(file for file in folder.iterdir() if file.suffix.lower() in SUFFIXES and file.is_file())


def _camera_name(text: str) -> str:
    """A name that can be part of a topic: "front left (2)" becomes front_left_2, CAM_FRONT stays."""
    name = re.sub(r"[^0-9A-Za-z]+", "_", text).strip("_") or "camera"
    return f"camera_{name}" if name[0].isdigit() else name
