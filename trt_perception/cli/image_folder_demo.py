"""The demo on a user's own pictures."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from trt_perception.preprocess.color_image import color_image
from trt_perception.preprocess.decode_image import decode_image
from trt_perception.preprocess.encoded_file import read_encoded
from trt_perception.ros.image_folder_source import ImageFolderSource


class ImageFolderDemo:
    """A folder of images, played compressed.

    Args:
        source: The folder, and how it is played.

    Raises:
        InputError: The folder is absent or holds no image.
    """

    has_own_time = False
    mask_labels: Sequence[str] = ()

    def __init__(self, source: ImageFolderSource) -> None:
        self._source = source
        self.cameras: Sequence[str] = tuple(source.frames)
        self.rate_hz = source.rate_hz

    @property
    def description(self) -> str:
        """For people."""
        source = self._source
        return f"{len(self.cameras)} cameras from {source.folder}, {source.rate_hz:g} Hz for {source.seconds:g} s"

    @property
    def play_arguments(self) -> Sequence[str]:
        """Arguments of `trt-perception play`."""
        source = self._source
        return (str(source.folder), "--rate-hz", str(source.rate_hz), "--seconds", str(source.seconds))

    def topic(self, camera: str) -> str:
        """The camera's image topic."""
        return self._source.topic(camera)

    def image(self, camera: str, index: int) -> NDArray[np.uint8]:
        """The camera's frame that was sent as number `index`: uint8 (h, w, 3), BGR."""
        files = self._source.frames[camera]
        return color_image(decode_image(read_encoded(files[index % len(files)], camera=camera)))

    def truth(self, camera: str, index: int) -> None:
        """Nobody knows."""
        return
