"""The synthetic drive as a folder of images with a COCO file."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from trt_perception import BagError
from trt_perception.bag.coco_file import read_coco
from trt_perception.bag.image_folder import ImageFolder
from trt_perception.demo.classes import CLASS_NAMES
from trt_perception.demo.drive import Drive
from trt_perception.demo.drive_folder import write_drive_folder
from trt_perception.demo.drive_options import DriveOptions
from trt_perception.demo.ignore_rule import IgnoreRule


@pytest.fixture(scope="module")
def drive() -> Drive:
    return Drive(options=DriveOptions(seed=3, cameras=2, duration_s=0.2, rate_hz=10, width=160, height=96))


def test_pictures_masks_and_truth_are_the_drives(drive: Drive, tmp_path: Path) -> None:
    assert write_drive_folder(drive, tmp_path / "drive") == 4
    file = read_coco(tmp_path / "drive" / "coco.json")
    assert file.class_names == CLASS_NAMES
    assert len(file.images) == len(ImageFolder(tmp_path / "drive")) == 4
    for image in file.images:
        sample = drive.sample((image.stamp_ns - drive.stamp_ns(0)) // 100_000_000)
        truth = sample.truth[image.camera]
        picture = cv2.imread(str(tmp_path / "drive" / image.file_name), cv2.IMREAD_COLOR)
        mask = cv2.imread(str(tmp_path / "drive" / "masks" / image.file_name), cv2.IMREAD_UNCHANGED)
        np.testing.assert_array_equal(picture, sample.images[image.camera])
        np.testing.assert_array_equal(mask, truth.mask)
        np.testing.assert_array_equal(image.objects.boxes, truth.boxes)
        np.testing.assert_array_equal(image.objects.ignored, ~IgnoreRule().evaluated(truth))
        assert image.condition == sample.condition.value


def test_ctrl_c_leaves_nothing(drive: Drive, tmp_path: Path) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_drive_folder(drive, tmp_path / "drive", on_sample=interrupt)
    assert list(tmp_path.iterdir()) == []


def test_an_existing_folder_is_kept_unless_asked(drive: Drive, tmp_path: Path) -> None:
    write_drive_folder(drive, tmp_path / "drive")
    with pytest.raises(BagError, match="exists already"):
        write_drive_folder(drive, tmp_path / "drive")
    assert write_drive_folder(drive, tmp_path / "drive", jpeg_quality=90, overwrite=True) == 4
