"""A folder of images, read as the frames of one or more cameras."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from trt_perception.bag.camera_name import camera_name
from trt_perception.errors import DropReason, FrameError, InputError
from trt_perception.frame import EncodedFrame
from trt_perception.preprocess.encoded_file import read_encoded

SUFFIXES = (".jpg", ".jpeg", ".png")

_STAMP_DIGITS = {13: 1_000_000, 16: 1_000, 19: 1}
"""Digits of a present-day time since 1970 (in ms, us, ns), and how many nanoseconds its unit has."""


@dataclass(frozen=True, kw_only=True)
class FolderImage:
    """One image file.

    Args:
        camera: Name of the camera.
        path: The file.
        stamp_ns: Time of the image, nanoseconds.
    """

    camera: str
    path: Path
    stamp_ns: int

    def frame(self) -> EncodedFrame:
        """The file's bytes as a frame.

        Raises:
            FrameError: corrupt_image, where the file cannot be read or is empty.
        """
        try:
            frame = read_encoded(self.path, camera=self.camera, stamp_ns=self.stamp_ns)
        except InputError as error:
            raise FrameError(DropReason.CORRUPT_IMAGE, str(error)) from error
        if not frame.data.size:
            raise FrameError(DropReason.CORRUPT_IMAGE, f"{self.path} is empty, 0 bytes")
        return frame


class ImageFolder:
    """JPEG and PNG files of a folder.

    A subfolder is a camera and its files in order of name are its frames. Files right in the folder are one camera
    each, named after the file, unless `camera` names the one camera whose frames they all are. A number of 13, 16 or
    19 digits in the file names is taken as the time in ms, us or ns since 1970; where a file has none, the frames of
    all cameras are `rate_hz` apart, from zero on.

    Args:
        path: The folder.
        camera: Name of the only camera of the files right in the folder. Default: one camera a file.
        rate_hz: Frames a second where the names tell no time.

    Attributes:
        path: The folder.
        cameras: Files by camera.

    Raises:
        InputError: The folder is absent or holds no image, or two cameras of it would have the same name.
    """

    def __init__(self, path: Path | str, *, camera: str = "", rate_hz: float = 10.0) -> None:
        self.path = Path(path)
        self._rate_hz = rate_hz
        if not self.path.is_dir():
            raise InputError(f"{self.path}: expected a folder of images; no such folder")
        self.cameras: Mapping[str, tuple[Path, ...]] = _cameras(self.path, camera)
        if not self.cameras:
            raise InputError(f"{self.path}: expected JPEG or PNG files, or a subfolder of them a camera; found none")

    def __len__(self) -> int:
        return sum(map(len, self.cameras.values()))

    @property
    def tells_time(self) -> bool:
        """Whether every file's name has a time."""
        return all(_stamp_ns(file) is not None for files in self.cameras.values() for file in files)

    def images(self) -> Iterator[FolderImage]:
        """All images in order of time; of equal times, in order of the cameras' names."""
        named = {file: _stamp_ns(file) for files in self.cameras.values() for file in files}
        told = all(stamp_ns is not None for stamp_ns in named.values())
        images = [
            FolderImage(
                camera=camera,
                path=file,
                stamp_ns=(named[file] or 0) if told else round(index * 1_000_000_000 / self._rate_hz),
            )
            for camera, files in self.cameras.items()
            for index, file in enumerate(files)
        ]
        return iter(sorted(images, key=lambda image: (image.stamp_ns, image.camera)))


def _cameras(folder: Path, camera: str) -> dict[str, tuple[Path, ...]]:
    loose = _images_in(folder)
    found = [
        (child, camera_name(child.name), _images_in(child)) for child in sorted(folder.iterdir()) if child.is_dir()
    ]
    if camera and loose:
        found.append((folder, camera, loose))
    else:
        found += [(file, camera_name(file.stem), (file,)) for file in loose]
    cameras: dict[str, tuple[Path, ...]] = {}
    for source, name, files in found:
        if files and name in cameras:
            raise InputError(
                f"{source}: its camera would be called {name!r}, as that of {cameras[name][0]}; rename one of them"
            )
        if files:
            cameras[name] = files
    return dict(sorted(cameras.items()))


def _images_in(folder: Path) -> tuple[Path, ...]:
    return tuple(sorted(file for file in folder.iterdir() if file.suffix.lower() in SUFFIXES and file.is_file()))


def _stamp_ns(file: Path) -> int | None:
    """The time in a file's name; None where it has none."""
    for number in re.findall(r"\d+", file.stem):
        if len(number) in _STAMP_DIGITS:
            return int(number) * _STAMP_DIGITS[len(number)]
    return None
