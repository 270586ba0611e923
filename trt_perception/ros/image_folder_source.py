"""A folder of images as messages to play."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

from trt_perception.bag.bag_topic import BagMessage
from trt_perception.bag.image_folder import ImageFolder
from trt_perception.cdr.compressed_image_message import COMPRESSED_IMAGE_TYPE, encode_compressed_image
from trt_perception.cdr.image_message import IMAGE_TYPE, encode_image
from trt_perception.preprocess.color_image import color_image
from trt_perception.preprocess.decode_image import decode_image
from trt_perception.preprocess.encoded_file import read_encoded

KEPT_MESSAGES = 16
"""Serialized images kept for the next round; a raw 1080p image is 6 MB."""


@dataclass(frozen=True, kw_only=True)
class ImageFolderSource:
    """The images of a folder, repeated at a fixed rate; `ImageFolder` says which file is which camera's.

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
    def frames(self) -> Mapping[str, tuple[Path, ...]]:
        """Files by camera.

        Raises:
            InputError: The folder is absent or holds no image.
        """
        return ImageFolder(self.folder, camera=self.camera).cameras

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
        return IMAGE_TYPE if self.raw else COMPRESSED_IMAGE_TYPE

    def topic(self, camera: str) -> str:
        """The camera's image topic."""
        return f"{camera}/image_raw" if self.raw else f"{camera}/image_raw/compressed"

    def messages(self) -> Iterator[BagMessage]:
        """Every message in order of time; header stamps are zero until the player sets them."""
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
