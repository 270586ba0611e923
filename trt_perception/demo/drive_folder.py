"""A synthetic drive as a folder of images with a COCO file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from trt_perception.bag.image_folder_writer import ImageFolderWriter
from trt_perception.demo.classes import CLASS_NAMES
from trt_perception.demo.drive import Drive
from trt_perception.demo.drive_truth import true_objects


def write_drive_folder(
    drive: Drive,
    path: Path | str,
    *,
    jpeg_quality: int | None = None,
    overwrite: bool = False,
    on_sample: Callable[[], object] = lambda: None,
) -> int:
    """Writes a whole drive as `ImageFolderWriter` does; returns how many pictures. Same drive, same bytes.

    Args:
        drive: The drive.
        path: The folder.
        jpeg_quality: 1 to 100 for JPEG pictures. Default: None, PNG.
        overwrite: Whether such a folder is replaced, once the new one is complete.
        on_sample: Called after each instant.

    Raises:
        BagError: The folder exists already, or cannot be written; none is left.
        ConfigError: The quality is out of range.
    """
    count = 0
    with ImageFolderWriter(path, class_names=CLASS_NAMES, jpeg_quality=jpeg_quality, overwrite=overwrite) as writer:
        for sample in drive:
            for camera, image in sample.images.items():
                truth = sample.truth[camera]
                writer.write(
                    image,
                    true_objects(truth),
                    camera=camera,
                    stamp_ns=sample.stamp_ns,
                    mask=truth.mask,
                    condition=sample.condition.value,
                )
                count += 1
            on_sample()
    return count
