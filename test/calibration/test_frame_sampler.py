"""Which frames are chosen, how the rest is accounted for, and what the coverage says."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import pytest
from helpers.drive_bag import textured_image, write_drive_bag
from helpers.tiny_bag import write_tiny_bag

from trt_perception.calibration.candidate import Candidate, brightness
from trt_perception.calibration.coverage import coverage
from trt_perception.calibration.frame_sampler import FrameSample, choose, sample_frames
from trt_perception.encoding import Encoding
from trt_perception.errors import InputError
from trt_perception.frame import Frame
from trt_perception.preprocess.color_image import color_image

pytest.importorskip("rosbags", reason="the bag library is not installed")


@pytest.fixture(scope="module")
def drive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_drive_bag(tmp_path_factory.mktemp("bags") / "drive")


def write_folder(path: Path, indices: range, *, mean: float = 120.0) -> Path:
    path.mkdir(parents=True)
    for index in indices:
        cv2.imwrite(str(path / f"{index:04}.png"), textured_image(index, mean=mean))
    return path


def keys(sample: FrameSample) -> list[tuple[int, str, int]]:
    return [image.key for image in sample.chosen]


def test_spreads_over_camera_condition_and_time(drive: Path) -> None:
    sample = sample_frames([drive], frames=16)
    assert len(sample.chosen) == 16
    assert Counter((image.camera, image.condition) for image in sample.chosen) == {
        ("front", "day"): 4, ("front", "night"): 4, ("left", "day"): 4, ("left", "night"): 4,
    }  # fmt: skip
    for camera in ("front", "left"):
        for first in (0, 10):
            chosen = sorted(image.ordinal for image in sample.chosen if image.camera == camera)
            scene = [ordinal - first for ordinal in chosen if first <= ordinal < first + 10]
            assert np.searchsorted([2, 5, 7], scene, side="right").tolist() == [0, 1, 2, 3]  # one in each step of time
    assert (sample.image_count, sample.unreadable) == (40, ())


def test_a_rare_scene_is_not_lost_in_a_long_one(tmp_path: Path) -> None:
    days = write_drive_bag(tmp_path / "days", scenes=[("day", 120.0)] * 4, cameras=["front"])
    night = write_drive_bag(tmp_path / "night", scenes=[("night", 25.0)], each=3, cameras=["front"])
    sample = sample_frames([days, night], frames=10)
    assert Counter(image.condition for image in sample.chosen) == {"day": 7, "night": 3}


def test_dark_frames_are_found_where_no_condition_is_told(tmp_path: Path) -> None:
    bag = write_drive_bag(tmp_path / "bag", told=False, cameras=["front"])
    sample = sample_frames([bag], frames=8)
    assert Counter(image.band for image in sample.chosen) == {"dark": 4, "normal": 4}
    assert {image.condition for image in sample.chosen} == {""}


def test_the_same_seed_chooses_the_same_and_another_seed_others(drive: Path) -> None:
    first, again, other = (sample_frames([drive], frames=8, seed=seed) for seed in (3, 3, 4))
    assert keys(first) == keys(again)
    assert first.digest == again.digest
    assert keys(first) != keys(other)
    assert first.digest != other.digest


def test_the_digest_is_of_the_contents_whatever_their_order_or_place(tmp_path: Path) -> None:
    a, b = write_folder(tmp_path / "x" / "a", range(3)), write_folder(tmp_path / "x" / "b", range(3, 6))
    digests = {
        sample_frames(paths, frames=6).digest for paths in ([a, b], [b, a], [tmp_path / "x"])
    }  # fmt: skip
    assert len(digests) == 1
    cv2.imwrite(str(b / "0004.png"), textured_image(99))
    assert sample_frames([a, b], frames=6).digest not in digests


def test_loose_images_are_one_camera_and_a_subfolder_is_another(tmp_path: Path) -> None:
    write_folder(tmp_path / "mixed", range(6))
    write_folder(tmp_path / "mixed" / "rear", range(6, 9))
    cover = coverage(sample_frames([tmp_path / "mixed"], frames=6))
    assert cover.cameras == {"mixed": 3, "rear": 3}


def test_gives_the_chosen_frames_pixels(tmp_path: Path, drive: Path) -> None:
    folder = write_folder(tmp_path / "pictures" / "rear", range(4))
    sample = sample_frames([drive, folder.parent], frames=44)
    frames = {label: image for label, (image,) in sample.frames()}
    assert len(frames) == 44
    for index in range(4):
        np.testing.assert_array_equal(color_image(frames[str(folder / f"{index:04}.png")]), textured_image(index))
    label = next(name for name in frames if "/left/image_raw, image 13," in name)
    np.testing.assert_array_equal(color_image(frames[label]), textured_image(1013, mean=25.0))


def test_bad_images_are_counted_named_and_never_chosen(tmp_path: Path) -> None:
    bag = write_drive_bag(tmp_path / "bag", broken=[2], constant=[5, 6])
    folder = write_folder(tmp_path / "pictures", range(3))
    (folder / "0001.png").write_bytes((folder / "0001.png").read_bytes()[:200])
    (folder / "0002.png").write_bytes(b"")
    sample = sample_frames([bag, folder], frames=35)
    assert len(sample.unreadable) == 8
    told = "\n".join(sample.unreadable)
    assert told.count("/front/image_raw, image 2,") == 1
    assert told.count("constant image: every pixel is [0, 0, 0]") == 4
    assert "0001.png: corrupt_image" in told
    assert "0002.png: corrupt_image" in told
    assert not {2, 5, 6}.intersection(image.ordinal for image in sample.chosen if image.source == 0)
    assert any("8 of the images" in text for text in coverage(sample).warnings)


@pytest.mark.parametrize(
    ("frames", "words"),
    [
        pytest.param(41, "expected 41 usable images, got 40; give more data, or say --frames 40", id="too_few"),
        pytest.param(0, "expected at least 1, got 0", id="none_asked_for"),
    ],
)
def test_refuses_fewer_frames_than_asked_for(drive: Path, frames: int, words: str) -> None:
    with pytest.raises(InputError, match=words):
        sample_frames([drive], frames=frames)


def test_constant_images_alone_are_no_data(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"got 0 \(8 unreadable, the first: .*constant image.*give other data"):
        sample_frames([write_tiny_bag(tmp_path / "bag")], frames=4)


@pytest.mark.parametrize("kind", ["absent", "empty_folder", "no_sources"])
def test_names_a_source_that_gives_nothing(kind: str, tmp_path: Path) -> None:
    path = tmp_path / kind
    if kind == "empty_folder":
        path.mkdir()
    with pytest.raises(InputError, match="got none" if kind == "no_sources" else kind):
        sample_frames([] if kind == "no_sources" else [path], frames=1)


def test_looks_at_a_part_of_a_long_recording_only(tmp_path: Path) -> None:
    bag = write_drive_bag(tmp_path / "bag", each=60)
    done: list[tuple[int, int]] = []
    sample = sample_frames([bag], frames=6, progress=lambda *at: done.append(at))
    assert sample.image_count == 240
    assert 24 <= sample.looked_at <= 48
    assert done[-1] == (240, 240)
    assert Counter(image.condition for image in sample.chosen) == {"day": 3, "night": 3}


def test_coverage_counts_every_frame_in_every_part_of_the_table(drive: Path) -> None:
    cover = coverage(sample_frames([drive], frames=12))
    sums: Counter[str] = Counter()
    for what, _, count in cover.rows():
        sums[what] += count
    assert sums == dict.fromkeys(("camera", "brightness", "condition", "time"), 12)
    assert cover.brightness == {"dark": 6, "dim": 0, "normal": 6, "bright": 0}
    assert cover.conditions == {"day": 6, "night": 6}
    assert cover.times["first quarter"] > 0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        pytest.param({"cameras": ["front"]}, "one camera only (front)", id="one_camera"),
        pytest.param({"scenes": [("day", 120.0)]}, "no night", id="no_night"),
        pytest.param({"scenes": [("night", 20.0)]}, "no frame of daylight", id="no_day"),
        pytest.param({"told": False}, "conditions unknown", id="unknown_conditions"),
        pytest.param({}, "no frame of these conditions: dusk, rain, fog, glare", id="missing_conditions"),
        pytest.param({}, "likely one scene", id="short"),
    ],
)
def test_warns_of_what_is_missing(options: dict[str, object], words: str, tmp_path: Path) -> None:
    bag = write_drive_bag(tmp_path / "bag", **options)  # type: ignore[arg-type]
    assert words in "\n".join(coverage(sample_frames([bag], frames=10)).warnings)


def test_does_not_warn_of_what_is_there(drive: Path) -> None:
    told = "\n".join(coverage(sample_frames([drive], frames=10)).warnings)
    assert "no night" not in told
    assert "one camera" not in told


def test_choosing_fills_small_groups_before_it_repeats_large_ones() -> None:
    sizes = {"a": 1, "b": 2, "c": 50}
    candidates = [
        Candidate(
            source=0, camera=camera, ordinal=index, time_ns=index, brightness=100.0, condition="",
            digest=f"{camera}{index}",
        )
        for camera, size in sizes.items()
        for index in range(size)
    ]  # fmt: skip
    chosen = choose(candidates, 13, np.random.default_rng(0))
    assert Counter(image.camera for image in chosen) == {"a": 1, "b": 2, "c": 10}
    assert len({image.digest for image in chosen}) == 13
    steps = sorted(image.ordinal // 5 for image in chosen if image.camera == "c")
    assert steps == list(range(10))


@pytest.mark.parametrize("encoding", [Encoding.BGR8, Encoding.RGB8, Encoding.MONO8], ids=lambda e: e.value)
def test_brightness_is_the_mean_of_opencvs_grey(encoding: Encoding) -> None:
    image = textured_image(1, mean=90, height=64, width=80)
    image = np.ascontiguousarray(image[:, :, 0]) if encoding is Encoding.MONO8 else image
    frame = Frame(
        camera="front", stamp_ns=0, frame_id="", encoding=encoding, width=80, height=64,
        step=image.strides[0], data=image.reshape(-1),
    )  # fmt: skip
    grey = cv2.cvtColor(color_image(frame), cv2.COLOR_BGR2GRAY)
    assert brightness(frame) == pytest.approx(float(grey[::4, ::4].mean()), abs=0.6)
