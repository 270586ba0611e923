"""A drive is a function of its options: same seed, same bytes; other seed, other world."""

import hashlib
import os
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest

from trt_perception.demo import CLASS_NAMES, Condition, Drive, DriveOptions, DriveSample, IgnoreRule
from trt_perception.errors import ConfigError

ROOT = Path(__file__).resolve().parents[2]
SMALL = DriveOptions(seed=5, width=480, height=272, condition="mixed")


def digest(sample: DriveSample) -> str:
    value = hashlib.sha256(repr((sample.stamp_ns, sample.condition.value, sample.ego_pose.tolist())).encode())
    for name, image in sample.images.items():
        truth = sample.truth[name]
        parts = [image, truth.boxes, truth.class_ids, truth.track_ids, truth.visible_fraction, truth.truncation]
        for part in [*parts, truth.mask, truth.boxes_3d, *([sample.thermal[name]] if sample.thermal else [])]:
            value.update(np.ascontiguousarray(part).tobytes())
    return value.hexdigest()


def test_same_bytes_whatever_was_asked_before() -> None:
    in_order, jumping = Drive(options=SMALL), Drive(options=SMALL)
    for index in (0, 1, 2):
        in_order.sample(index)
    jumping.sample(40)
    first = in_order.sample(3, thermal=True)
    assert digest(first) == digest(jumping.sample(3, thermal=True)) == digest(in_order.sample(3, thermal=True))
    alone = jumping.sample(3, cameras=["back_left"])
    np.testing.assert_array_equal(alone.images["back_left"], first.images["back_left"])
    assert list(alone.images) == ["back_left"]
    assert alone.thermal == {}


_SCRIPT = """
import sys, cv2
sys.path[:0] = [{tests!r}, {root!r}]
cv2.setNumThreads({threads})
from test_drive import SMALL, Drive, digest
print(digest(Drive(options=SMALL).sample(7, cameras=["front", "back"], thermal=True)))
"""


def test_same_bytes_in_another_process_with_other_threads_and_hash_seed() -> None:
    here = digest(Drive(options=SMALL).sample(7, cameras=["front", "back"], thermal=True))
    for threads, seed in ((1, "1"), (4, "2")):
        script = _SCRIPT.format(tests=str(Path(__file__).parent), root=str(ROOT), threads=threads)
        environment = {**os.environ, "PYTHONHASHSEED": seed, "OMP_NUM_THREADS": str(threads)}
        run = subprocess.run(
            [sys.executable, "-c", script], capture_output=True, text=True, env=environment, timeout=60, check=True
        )
        assert run.stdout.strip() == here


def test_seeds_give_different_worlds() -> None:
    options = [DriveOptions(seed=seed, width=480, height=272) for seed in range(4)]
    pictures = [Drive(options=option).sample(2, cameras=["front"]).images["front"] for option in options]
    for i, one in enumerate(pictures):
        for other in pictures[i + 1 :]:
            assert np.abs(one.astype(int) - other).mean() > 10.0
    layouts = [Drive(options=DriveOptions(seed=seed)).world.layout for seed in range(24)]
    assert {layout.own_lanes for layout in layouts} == {1, 2, 3}
    assert len({layout.setting for layout in layouts}) == 4
    assert {layout.hand for layout in layouts} == {1, -1}
    assert len({layout.crossings for layout in layouts}) == 24


def test_is_made_in_less_than_a_fifth_of_a_second() -> None:
    start = time.process_time()
    Drive(options=DriveOptions(seed=77))
    assert time.process_time() - start < 0.2


def test_car_moves_along_the_road_at_its_speed() -> None:
    drive = Drive(options=DriveOptions(seed=9, cameras=1, width=64, height=64))
    poses = [drive.sample(index).ego_pose for index in (0, 1, 2)]
    for before, after in pairwise(poses):
        step = np.linalg.inv(before) @ after
        assert step[0, 3] == pytest.approx(drive.world.layout.speed / 4.0, rel=0.03)
        assert abs(step[1, 3]) < 0.2
    assert [drive.stamp_ns(index) - drive.stamp_ns(0) for index in (1, 4)] == [250_000_000, 1_000_000_000]


def test_tracks_keep_their_class_and_move_smoothly() -> None:
    drive = Drive(options=DriveOptions(seed=11, rate_hz=10.0, width=480, height=272))
    seen: dict[int, tuple[int, np.ndarray]] = {}
    compared = 0
    for index in range(4):
        sample = drive.sample(index, cameras=["front", "back"])
        for truth in sample.truth.values():
            for track, kind, box in zip(truth.track_ids, truth.class_ids, truth.boxes_3d, strict=True):
                place = sample.ego_pose @ np.array([*box[:3], 1.0])
                if int(track) in seen:
                    before = seen[int(track)]
                    assert before[0] == kind
                    assert np.linalg.norm(before[1] - place) < 3.5
                    compared += 1
                seen[int(track)] = (int(kind), place)
    assert compared > 20


def test_cycle_gives_each_condition_an_equal_stretch() -> None:
    drive = Drive(options=DriveOptions(condition="cycle", duration_s=3.0, rate_hz=4.0, strength=0.3))
    kinds = [drive.weather(index)[0] for index in range(len(drive))]
    assert kinds == [kind for kind in Condition for _ in range(2)]
    assert {drive.weather(index)[1] for index in range(len(drive))} == {0.3}


def test_mixed_draws_all_conditions_and_many_strengths() -> None:
    drive = Drive(options=DriveOptions(condition="mixed", duration_s=60.0))
    weather = [drive.weather(index) for index in range(len(drive))]
    assert {kind for kind, _ in weather} == set(Condition)
    assert len({strength for _, strength in weather}) > 30


def pictures(condition: Condition, strength: float = 0.8) -> np.ndarray:
    options = DriveOptions(seed=3, width=480, height=272, condition=condition, strength=strength)
    sample = Drive(options=options).sample(6, cameras=["front", "back"])
    return np.stack([cv2.cvtColor(image, cv2.COLOR_BGR2GRAY) for image in sample.images.values()]).astype(float)


def test_conditions_change_brightness_and_contrast_as_they_do_outdoors() -> None:
    light = {kind: pictures(kind) for kind in Condition}
    level = {kind: float(value.mean()) for kind, value in light.items()}
    assert level[Condition.NIGHT] < 0.4 * level[Condition.DAY]
    assert level[Condition.NIGHT] < level[Condition.DUSK] < level[Condition.DAY]
    assert level[Condition.RAIN] < level[Condition.DAY]
    horizon = {kind: float(value[:, 110:150].std()) for kind, value in light.items()}
    assert horizon[Condition.FOG] < 0.7 * horizon[Condition.DAY]


def test_glare_blinds_the_camera_that_faces_the_sun() -> None:
    options = DriveOptions(seed=1, width=480, height=272, condition=Condition.GLARE, strength=1.0)
    images = Drive(options=options).sample(6, cameras=["front", "back"]).images
    front, back = (np.percentile(cv2.cvtColor(images[name], cv2.COLOR_BGR2GRAY), 2) for name in ("front", "back"))
    # The veil lifts what is darkest.
    assert front > back + 15.0


@pytest.mark.parametrize("condition", [Condition.NIGHT, Condition.FOG, Condition.DUSK])
def test_strength_makes_it_harder(condition: Condition) -> None:
    mild, hard = pictures(condition, 0.0), pictures(condition, 1.0)
    if condition is Condition.FOG:
        assert hard[:, 110:150].std() < mild[:, 110:150].std()
    else:
        assert hard.mean() < mild.mean()


def test_every_camera_holds_objects_and_no_class_is_rare() -> None:
    rule = IgnoreRule()
    counts, per_picture = np.zeros(len(CLASS_NAMES), dtype=int), []
    for seed in range(1000, 1004):
        drive = Drive(options=DriveOptions(seed=seed, rate_hz=0.15))
        for sample in drive:
            for truth in sample.truth.values():
                evaluated = rule.evaluated(truth)
                counts += np.bincount(truth.class_ids[evaluated], minlength=len(CLASS_NAMES))
                per_picture.append(int(evaluated.sum()))
    assert 3.0 <= np.mean(per_picture) <= 12.0
    assert (counts / counts.sum()).min() >= 0.02


@pytest.mark.parametrize("index", [-1, 80])
def test_there_is_nothing_before_the_start_and_after_the_end(index: int) -> None:
    with pytest.raises(IndexError, match="instants 0 to 79"):
        Drive().sample(index)


def test_unknown_camera_is_named_with_those_there_are() -> None:
    with pytest.raises(ConfigError, match=r"front_left.*got 'nose'"):
        Drive().sample(0, cameras=["nose"])
