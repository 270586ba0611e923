"""The synthetic drive in a bag: what is in it is the drive, stamp by stamp, and the same every time."""

import hashlib
import sqlite3
from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np
import pytest
from rosbags.highlevel import AnyReader

from trt_perception import BagError, ConfigError
from trt_perception.bag.bag_reader import BagReader
from trt_perception.bag.bag_writer_options import BagWriterOptions
from trt_perception.bag.camera_topics import CameraTopics
from trt_perception.bag.true_objects_message import decode_true_objects
from trt_perception.cdr import (
    decode_camera_info,
    decode_clock,
    decode_label_info,
    decode_string,
    decode_transforms,
    parse_image,
)
from trt_perception.demo.classes import CLASS_NAMES, MASK_NAMES
from trt_perception.demo.drive import Drive
from trt_perception.demo.drive_bag import CLOCK, CONDITION, TF, TF_STATIC, write_drive_bag
from trt_perception.demo.drive_bag_options import DriveBagOptions
from trt_perception.demo.drive_options import DriveOptions
from trt_perception.demo.ignore_rule import IgnoreRule

COUNT = 4
PERIOD_NS = 100_000_000
MS = 1_000_000


@pytest.fixture(scope="module")
def drive() -> Drive:
    options = DriveOptions(seed=3, cameras=2, duration_s=0.4, rate_hz=10, width=160, height=96, condition="cycle")
    return Drive(options=options)


@pytest.fixture(scope="module")
def raw_bag(drive: Drive, tmp_path_factory: pytest.TempPathFactory) -> BagReader:
    path = tmp_path_factory.mktemp("bags") / "drive"
    write_drive_bag(drive, path, options=DriveBagOptions(images="raw", thermal=True, clock_hz=25))
    return BagReader(path)


def digest(path: Path) -> str:
    return hashlib.sha256(b"".join(file.read_bytes() for file in sorted(path.iterdir()))).hexdigest()


def test_every_image_is_there_with_its_pixels_and_stamp(drive: Drive, raw_bag: BagReader) -> None:
    found = [(image.camera, image.frame()) for image in raw_bag.images()]
    assert sorted({camera for camera, _ in found}) == ["front", "front_left", "front_left_thermal", "front_thermal"]
    assert len(found) == 4 * COUNT
    for camera, frame in found:
        sample = drive.sample((frame.stamp_ns - drive.stamp_ns(0)) // PERIOD_NS, thermal=True)
        assert frame.stamp_ns == sample.stamp_ns
        assert frame.frame_id == f"{camera}_optical"
        pictures = {**sample.images, **{f"{name}_thermal": image for name, image in sample.thermal.items()}}
        np.testing.assert_array_equal(frame.data, pictures[camera].reshape(-1))


def test_truth_is_the_drives(drive: Drive, raw_bag: BagReader) -> None:
    topics = CameraTopics(camera="front_left")
    masks = {parse_image(m.data).stamp_ns: parse_image(m.data) for m in raw_bag.messages([topics.true_mask])}
    messages = [decode_true_objects(message.data) for message in raw_bag.messages([topics.true_objects])]
    assert len(messages) == len(masks) == COUNT
    for index, message in enumerate(messages):
        truth = drive.sample(index).truth["front_left"]
        assert message.stamp_ns == drive.stamp_ns(index)
        np.testing.assert_array_equal(message.objects.boxes, truth.boxes)
        np.testing.assert_array_equal(message.objects.visible_fraction, truth.visible_fraction)
        np.testing.assert_array_equal(message.objects.ignored, ~IgnoreRule().evaluated(truth))
        assert message.objects.labels == tuple(CLASS_NAMES[class_id] for class_id in truth.class_ids)
        assert message.objects.track_ids == tuple(map(str, truth.track_ids))
        np.testing.assert_array_equal(masks[message.stamp_ns].data, truth.mask.reshape(-1))
    (labels,) = raw_bag.messages([topics.true_mask_labels])
    assert decode_label_info(labels.data).class_map == dict(enumerate(MASK_NAMES))


def test_condition_goes_before_its_images(drive: Drive, raw_bag: BagReader) -> None:
    condition = None
    seen = []
    for message in raw_bag.messages([CONDITION, "/front/image_raw"]):
        if message.topic == CONDITION:
            condition = decode_string(message.data)
        else:
            seen.append(condition)
    assert seen == [drive.weather(index)[0].value for index in range(COUNT)]
    assert len(set(seen)) > 1


def test_calibration_and_transforms_project_as_the_cameras_do(drive: Drive, raw_bag: BagReader) -> None:
    (static,) = raw_bag.messages([TF_STATIC])
    mounts = {record.child_frame_id: record for record in decode_transforms(static.data)}
    point = np.array([[12.0, 3.0, 1.0]])
    for camera in drive.cameras.values():
        info = decode_camera_info(next(raw_bag.messages([f"/{camera.name}/camera_info"])).data)
        mount = mounts[info.frame_id]
        assert (mount.frame_id, info.width, info.height) == ("base_link", 160, 96)
        # Through OpenCV's rotation vector and projection: not the code that wrote the bag.
        x, y, z, w = mount.rotation
        rotation, _ = cv2.Rodrigues(2 * np.arctan2(np.hypot(np.hypot(x, y), z), w) * unit([x, y, z]))
        optical = (point - np.array(mount.translation)) @ rotation
        pixels, _ = cv2.projectPoints(optical, np.zeros(3), np.zeros(3), info.intrinsics, info.distortion)
        np.testing.assert_allclose(pixels[0], camera.project(point)[0], rtol=0, atol=1e-6)
    poses = [decode_transforms(message.data)[0] for message in raw_bag.messages([TF])]
    assert [pose.stamp_ns for pose in poses] == [drive.stamp_ns(index) for index in range(COUNT)]
    np.testing.assert_allclose(poses[-1].translation, drive.sample(COUNT - 1).ego_pose[:3, 3])


def unit(vector: list[float]) -> np.ndarray:
    array = np.array(vector)
    return array / np.linalg.norm(array)


def test_clock_ticks_at_its_rate(drive: Drive, raw_bag: BagReader) -> None:
    ticks = [decode_clock(message.data) for message in raw_bag.messages([CLOCK])]
    assert ticks == [drive.stamp_ns(0) + index * 40 * MS for index in range(10)]


def test_log_times_follow_the_stamps(raw_bag: BagReader) -> None:
    delays = [image.message.log_time_ns - image.frame().stamp_ns for image in raw_bag.images()]
    assert min(delays) >= 10 * MS
    assert max(delays) <= 30 * MS
    assert len(set(delays)) == len(delays)


def test_rosbags_opens_it_with_its_own_definitions(raw_bag: BagReader) -> None:
    with AnyReader([raw_bag.path]) as reader:
        decoded = [reader.deserialize(data, c.msgtype) for c, _, data in reader.messages()]
    assert len(decoded) == raw_bag.message_count


@pytest.mark.parametrize(("images", "tolerance"), [("jpeg", 12.0), ("png", 0.0)])
def test_compressed_images_show_the_drive(drive: Drive, tmp_path: Path, images: str, tolerance: float) -> None:
    write_drive_bag(drive, tmp_path / "drive", options=DriveBagOptions(images=images))
    for image in BagReader(tmp_path / "drive").images({"front": "/front/image_raw/compressed"}):
        frame = image.frame()
        assert frame.format == f"bgr8; {images} compressed bgr8"
        pixels = cv2.imdecode(frame.data, cv2.IMREAD_COLOR).astype(float)
        expected = drive.sample((frame.stamp_ns - drive.stamp_ns(0)) // PERIOD_NS).images["front"]
        assert np.abs(pixels - expected).mean() <= tolerance


STAMPS = DriveBagOptions(stamp_jitter_ms=30, drop_fraction=0.4, seed=5)


def stamps_in(path: Path, topic: str) -> list[int]:
    return [image.frame().stamp_ns for image in BagReader(path).images({"camera": topic})]


def test_jitter_and_dropped_frames_are_in_the_ledger(drive: Drive, tmp_path: Path) -> None:
    ledger = write_drive_bag(drive, tmp_path / "drive", options=STAMPS)
    ideal = [drive.stamp_ns(index) for index in range(COUNT)]
    for camera in drive.cameras:
        topics = CameraTopics(camera=camera)
        assert stamps_in(tmp_path / "drive", topics.compressed_image) == ledger.written[camera]
        truth = [
            decode_true_objects(m.data).stamp_ns for m in BagReader(tmp_path / "drive").messages([topics.true_objects])
        ]
        assert truth == ledger.written[camera]
        everything = sorted(ledger.written[camera] + ledger.dropped[camera])
        offsets = np.subtract(everything, ideal)
        assert np.abs(offsets).max() <= 30 * MS
        assert len(set(offsets)) == COUNT
    assert sum(map(len, ledger.dropped.values())) > 0


@pytest.mark.parametrize("fraction", [0.0, 1.0])
def test_none_or_all_are_dropped(drive: Drive, tmp_path: Path, fraction: float) -> None:
    ledger = write_drive_bag(drive, tmp_path / "drive", options=DriveBagOptions(drop_fraction=fraction))
    assert sum(map(len, ledger.dropped.values())) == fraction * 2 * COUNT


def test_messages_lie_in_the_file_in_order_of_log_time(drive: Drive, tmp_path: Path) -> None:
    options = DriveBagOptions(stamp_jitter_ms=39, latency_ms=150, writer=BagWriterOptions(storage="sqlite3"))
    write_drive_bag(drive, tmp_path / "drive", options=options)
    connection = sqlite3.connect(tmp_path / "drive" / "drive.db3")
    times = [row[0] for row in connection.execute("SELECT timestamp FROM messages ORDER BY id")]
    connection.close()
    assert times == sorted(times)


@pytest.mark.parametrize(
    "options",
    [
        pytest.param(DriveBagOptions(), id="default"),
        pytest.param(DriveBagOptions(images="raw", writer=BagWriterOptions(storage="sqlite3")), id="raw_sqlite3"),
        pytest.param(STAMPS, id="jitter_and_drops"),
    ],
)
def test_the_same_drive_gives_the_same_bytes(drive: Drive, tmp_path: Path, options: DriveBagOptions) -> None:
    again = Drive(options=drive.options)
    write_drive_bag(drive, tmp_path / "a" / "drive", options=options)
    write_drive_bag(again, tmp_path / "b" / "drive", options=options)
    assert digest(tmp_path / "a" / "drive") == digest(tmp_path / "b" / "drive")


def test_another_seed_gives_another_bag(drive: Drive, tmp_path: Path) -> None:
    write_drive_bag(drive, tmp_path / "a" / "drive", options=DriveBagOptions(seed=0))
    write_drive_bag(drive, tmp_path / "b" / "drive", options=DriveBagOptions(seed=1))
    assert digest(tmp_path / "a" / "drive") != digest(tmp_path / "b" / "drive")


def test_ctrl_c_leaves_no_bag(drive: Drive, tmp_path: Path) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_drive_bag(drive, tmp_path / "drive", on_sample=interrupt)
    assert list(tmp_path.iterdir()) == []


def test_an_existing_bag_is_kept(drive: Drive, tmp_path: Path) -> None:
    (tmp_path / "drive").mkdir()
    with pytest.raises(BagError, match="exists already"):
        write_drive_bag(drive, tmp_path / "drive")


def test_jitter_that_could_swap_stamps_is_refused(drive: Drive, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="less than 40 ms"):
        write_drive_bag(drive, tmp_path / "drive", options=DriveBagOptions(stamp_jitter_ms=40))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "values",
    [
        {"images": "gif"},
        {"jpeg_quality": 0},
        {"jpeg_quality": "best"},
        {"drop_fraction": 1.5},
        {"drop_fraction": float("nan")},
        {"latency_ms": -1.0},
        {"clock_hz": True},
        {"seed": -1},
        {"seed": 1.5},
    ],
    ids=str,
)
def test_options_are_checked(values: Mapping[str, object]) -> None:
    (name,) = values
    with pytest.raises(ConfigError, match=f"DriveBagOptions.{name}"):
        DriveBagOptions(**values)
