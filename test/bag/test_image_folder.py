"""Folders of images: written whole or not at all, and read as frames in order of time."""

import hashlib
from pathlib import Path

import cv2
import numpy as np
import pytest

from trt_perception import BagError, ConfigError, DropReason, FrameError, InputError
from trt_perception.bag.coco_file import read_coco
from trt_perception.bag.image_folder import ImageFolder
from trt_perception.bag.image_folder_writer import ImageFolderWriter
from trt_perception.bag.true_objects import TrueObjects

CAR = TrueObjects(
    boxes=np.array([[1, 2, 5, 6]], np.float32),
    labels=("car",),
    track_ids=("7",),
    visible_fraction=np.ones(1, np.float32),
    truncation=np.zeros(1, np.float32),
    ignored=np.zeros(1, np.bool_),
)
PICTURE = np.random.default_rng(3).integers(0, 256, (16, 24, 3), dtype=np.uint8)
MASK = np.arange(16 * 24, dtype=np.uint8).reshape(16, 24)
STAMP_NS = 1_700_000_000_000_000_000


def write_folder(path: Path, *, count: int = 2, **options: object) -> Path:
    with ImageFolderWriter(path, class_names=["car"], **options) as writer:
        for index in range(count):
            for camera in ("front", "left"):
                stamp_ns = STAMP_NS + index * 10**8
                writer.write(PICTURE, CAR, camera=camera, stamp_ns=stamp_ns, mask=MASK, condition="fog")
    return path


def make_files(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"picture")
    return folder


class TestWriter:
    """Writing."""

    def test_pictures_masks_and_truth_come_back(self, tmp_path: Path) -> None:
        path = write_folder(tmp_path / "drive")
        images = list(ImageFolder(path).images())
        assert [(image.camera, image.stamp_ns - STAMP_NS) for image in images] == [
            ("front", 0),
            ("left", 0),
            ("front", 10**8),
            ("left", 10**8),
        ]
        frame = images[-1].frame()
        assert (frame.camera, frame.stamp_ns, frame.format) == ("left", STAMP_NS + 10**8, "png")
        np.testing.assert_array_equal(cv2.imdecode(frame.data, cv2.IMREAD_COLOR), PICTURE)
        mask = cv2.imread(str(path / "masks" / "left" / f"{STAMP_NS}.png"), cv2.IMREAD_UNCHANGED)
        np.testing.assert_array_equal(mask, MASK)
        file = read_coco(path / "coco.json")
        assert [(path / image.file_name).is_file() for image in file.images] == [True] * 4
        image = file.images[3]
        assert (image.camera, image.stamp_ns, image.condition) == ("left", STAMP_NS + 10**8, "fog")
        assert (image.width, image.height, image.objects.boxes.tolist()) == (24, 16, [[1, 2, 5, 6]])

    def test_jpeg_where_asked(self, tmp_path: Path) -> None:
        path = write_folder(tmp_path / "drive", jpeg_quality=90)
        assert {file.suffix for file in (path / "front").iterdir()} == {".jpg"}

    def test_the_same_pictures_give_the_same_bytes(self, tmp_path: Path) -> None:
        digests = set()
        for name in ("a", "b"):
            path = write_folder(tmp_path / name)
            files = sorted(file for file in path.rglob("*") if file.is_file())
            digests.add(hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest())
        assert len(digests) == 1

    @pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
    def test_an_exception_leaves_nothing(self, tmp_path: Path, error: type[BaseException]) -> None:
        def write() -> None:
            with ImageFolderWriter(tmp_path / "drive", class_names=["car"]) as writer:
                writer.write(PICTURE, CAR, camera="front", stamp_ns=1)
                raise error

        with pytest.raises(error):
            write()
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize(
        ("stamps", "names", "error"),
        [
            pytest.param([1, 1], ["car"], BagError, id="stamp_twice"),
            pytest.param([1], ["ship"], ValueError, id="unknown_class"),
        ],
    )
    def test_a_failure_leaves_nothing(
        self, tmp_path: Path, stamps: list[int], names: list[str], error: type[Exception]
    ) -> None:
        writer = ImageFolderWriter(tmp_path / "drive", class_names=names)

        def write() -> None:
            for stamp_ns in stamps:
                writer.write(PICTURE, CAR, camera="front", stamp_ns=stamp_ns)
            writer.close()

        with pytest.raises(error):
            write()
        assert list(tmp_path.iterdir()) == []
        with pytest.raises(BagError, match="closed"):
            writer.write(PICTURE, CAR, camera="front", stamp_ns=9)
        assert list(tmp_path.iterdir()) == []

    def test_an_existing_folder_is_replaced_only_when_asked_and_ours(self, tmp_path: Path) -> None:
        path = write_folder(tmp_path / "drive")
        with pytest.raises(BagError, match="exists already"):
            write_folder(path)
        write_folder(path, count=1, overwrite=True)
        assert len(ImageFolder(path)) == 2
        (tmp_path / "other").mkdir()
        with pytest.raises(BagError, match="something else"):
            write_folder(tmp_path / "other", overwrite=True)

    @pytest.mark.parametrize("quality", [0, 101])
    def test_quality_has_its_range(self, tmp_path: Path, quality: int) -> None:
        with pytest.raises(ConfigError, match="expected 1 to 100"):
            ImageFolderWriter(tmp_path / "drive", class_names=[], jpeg_quality=quality)


class TestReader:
    """Reading."""

    def test_subfolders_are_cameras(self, tmp_path: Path) -> None:
        make_files(tmp_path, "CAM_FRONT/b.jpg", "CAM_FRONT/a.JPEG", "left/a.png", "left/notes.txt", "empty/x.txt")
        folder = ImageFolder(tmp_path, rate_hz=4.0)
        assert {camera: [file.name for file in files] for camera, files in folder.cameras.items()} == {
            "CAM_FRONT": ["a.JPEG", "b.jpg"],
            "left": ["a.png"],
        }
        assert [(image.camera, image.stamp_ns) for image in folder.images()] == [
            ("CAM_FRONT", 0),
            ("left", 0),
            ("CAM_FRONT", 250_000_000),
        ]

    def test_loose_files_are_one_camera_each_or_one_in_all(self, tmp_path: Path) -> None:
        make_files(tmp_path, "CAM_FRONT.jpg", "0 left.jpg")
        assert sorted(ImageFolder(tmp_path).cameras) == ["CAM_FRONT", "camera_0_left"]
        assert list(ImageFolder(tmp_path, camera="front").cameras) == ["front"]

    @pytest.mark.parametrize(
        ("names", "stamps_ns"),
        [
            pytest.param(["1532402927612460.jpg"], [1_532_402_927_612_460_000], id="microseconds"),
            pytest.param(["n015__CAM__1532402927612.png"], [1_532_402_927_612_000_000], id="milliseconds"),
            pytest.param(["1700000000123456789.png"], [1_700_000_000_123_456_789], id="nanoseconds"),
            pytest.param(["000001.png", "000002.png"], [0, 100_000_000], id="numbers"),
            pytest.param(["1700000000123456789.png", "last.png"], [0, 100_000_000], id="not_all"),
        ],
    )
    def test_names_tell_the_time_where_all_do(self, tmp_path: Path, names: list[str], stamps_ns: list[int]) -> None:
        make_files(tmp_path, *(f"front/{name}" for name in names))
        assert [image.stamp_ns for image in ImageFolder(tmp_path).images()] == stamps_ns

    def test_an_empty_file_is_a_corrupt_image(self, tmp_path: Path) -> None:
        (make_files(tmp_path, "front/a.jpg") / "front/a.jpg").write_bytes(b"")
        (image,) = ImageFolder(tmp_path).images()
        with pytest.raises(FrameError, match="is empty") as caught:
            image.frame()
        assert caught.value.reason is DropReason.CORRUPT_IMAGE

    def test_a_file_that_went_away_is_a_corrupt_image(self, tmp_path: Path) -> None:
        (image,) = ImageFolder(make_files(tmp_path, "front/a.jpg")).images()
        image.path.unlink()
        with pytest.raises(FrameError, match="cannot be read"):
            image.frame()

    @pytest.mark.parametrize(
        ("names", "named"),
        [
            pytest.param([], "no such folder", id="absent"),
            pytest.param(["notes.txt"], "found none", id="no_images"),
            pytest.param(["a.jpg", "a.png"], "'a'", id="same_name"),
            pytest.param(["a b/a.jpg", "a_b/a.jpg"], "'a_b'", id="same_camera"),
        ],
    )
    def test_a_bad_folder_is_named(self, tmp_path: Path, names: list[str], named: str) -> None:
        with pytest.raises(InputError, match=named):
            ImageFolder(make_files(tmp_path / "pictures", *names))
