"""Writes a folder of images with their ground truth: pictures, masks and a COCO file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from trt_perception.bag.coco_file import CocoFile, CocoImage, coco_text
from trt_perception.bag.partial_folder import PartialFolder
from trt_perception.bag.true_objects import TrueObjects
from trt_perception.errors import BagError, ConfigError

COCO_NAME = "coco.json"
MASK_FOLDER = "masks"


class ImageFolderWriter:
    """Writes ``<camera>/<stamp_ns>.png`` (or .jpg), ``masks/<camera>/<stamp_ns>.png`` and ``coco.json``.

    The folder stands under its name once `close` returns; an exception, Ctrl-C and a full disk included, leaves none.
    Masks hold the class id of each pixel.

    Args:
        path: The folder.
        class_names: Classes of the objects.
        jpeg_quality: 1 to 100 for JPEG pictures. Default: None, PNG.
        overwrite: Whether a folder of this kind is replaced, once the new one is complete.

    Raises:
        BagError: The folder exists already, or cannot be written there.
        ConfigError: The quality is out of range.
    """

    def __init__(
        self,
        path: Path | str,
        *,
        class_names: Sequence[str],
        jpeg_quality: int | None = None,
        overwrite: bool = False,
    ) -> None:
        if jpeg_quality is not None and not 1 <= jpeg_quality <= 100:
            raise ConfigError("ImageFolderWriter.jpeg_quality", f"expected 1 to 100 or None, got {jpeg_quality!r}")
        self.path = Path(path)
        self._class_names = tuple(class_names)
        self._jpeg_quality = jpeg_quality
        self._images: list[CocoImage] = []
        self._is_open = True
        self._place = PartialFolder(self.path.absolute(), overwrite=overwrite, is_ours=is_image_folder)

    def write(
        self,
        image: NDArray[np.uint8],
        objects: TrueObjects,
        *,
        camera: str,
        stamp_ns: int,
        mask: NDArray[np.uint8] | None = None,
        condition: str = "",
    ) -> None:
        """Writes one picture with its truth.

        Args:
            image: uint8 (h, w, 3) BGR, or (h, w) grey.
            objects: What is in it.
            camera: Name of the camera.
            stamp_ns: Time of the image, nanoseconds; no two of a camera alike.
            mask: uint8 (h, w), class ids.
            condition: Light and weather.

        Raises:
            BagError: The picture cannot be written; the folder is given up.
        """
        import cv2

        suffix, flags = (
            (".png", []) if self._jpeg_quality is None else (".jpg", [cv2.IMWRITE_JPEG_QUALITY, self._jpeg_quality])
        )
        file_name = f"{camera}/{stamp_ns}{suffix}"
        self._write_file(file_name, cv2.imencode(suffix, image, flags)[1].tobytes())
        if mask is not None:
            self._write_file(f"{MASK_FOLDER}/{camera}/{stamp_ns}.png", cv2.imencode(".png", mask)[1].tobytes())
        self._images.append(
            CocoImage(
                file_name=file_name,
                width=image.shape[1],
                height=image.shape[0],
                objects=objects,
                camera=camera,
                stamp_ns=stamp_ns,
                condition=condition,
            )
        )

    def close(self) -> None:
        """Writes the COCO file and puts the folder in its place.

        Raises:
            BagError: The disk is full, or the place was taken meanwhile; no folder is left.
            ValueError: An object of a class that is not among the class names; no folder is left.
        """
        if not self._is_open:
            return
        try:
            content = CocoFile(class_names=self._class_names, images=tuple(self._images))
            self._write_file(COCO_NAME, coco_text(content).encode())
        except BaseException:
            self.discard()
            raise
        self._is_open = False
        self._place.commit()

    def discard(self) -> None:
        """Gives the folder up: nothing is left of it."""
        if self._is_open:
            self._is_open = False
            self._place.discard()

    def __enter__(self) -> ImageFolderWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            self.discard()

    def _write_file(self, name: str, data: bytes) -> None:
        if not self._is_open:
            raise BagError(self.path, "was closed or given up; nothing can be written to it any more")
        file = self._place.folder / name
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            with file.open("xb") as stream:
                stream.write(data)
        except OSError as error:
            self.discard()
            remedy = "free space, or write elsewhere"
            raise BagError(self.path / name, f"cannot be written: {error.strerror or error}", remedy) from error


def is_image_folder(path: Path) -> bool:
    """Whether a folder was written by this writer."""
    return (path / COCO_NAME).is_file()
