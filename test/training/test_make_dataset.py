"""Training pictures out of real drives."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from training.evaluate import EvaluationOptions
from training.evaluate import drive_options as evaluation_drive
from training.make_dataset import PICTURES_PER_INSTANT, DatasetOptions, drive_options, make_drive
from training.shard import read_shard
from trt_perception.demo.condition import Condition
from trt_perception.demo.drive import Drive


def _options(output: Path, *, deadline: float) -> DatasetOptions:
    return DatasetOptions(output=output, first_seed=3, drives=1, instants=1, deadline=deadline, varied=False)


def test_pictures_are_those_of_the_drive(tmp_path: Path) -> None:
    assert make_drive((_options(tmp_path, deadline=time.time() + 100), 3)) == PICTURES_PER_INSTANT
    shard = read_shard(tmp_path / "drive_000003.npz")
    sample = Drive(options=drive_options(3, instants=1, varied=False)).sample(0, thermal=True)
    for index in range(len(shard)):
        picture = shard.picture(index)
        camera = next(name for name, truth in sample.truth.items() if np.array_equal(truth.mask, picture.truth.mask))
        np.testing.assert_array_equal(picture.truth.boxes, sample.truth[camera].boxes)
        assert picture.condition is sample.condition
        assert np.abs(picture.image.astype(int) - sample.images[camera]).mean() < 4  # JPEG
        assert np.abs(picture.thermal.astype(int) - sample.thermal[camera]).mean() < 4


@pytest.mark.parametrize("late", [False, True], ids=["file_is_there", "deadline_is_over"])
def test_makes_nothing(tmp_path: Path, late: bool) -> None:
    path = tmp_path / "drive_000003.npz"
    if not late:
        path.write_bytes(b"kept")
    assert make_drive((_options(tmp_path, deadline=time.time() + (-1 if late else 100)), 3)) == 0
    assert path.exists() is not late


def test_drives_of_a_dataset_differ_in_more_than_the_seed() -> None:
    drives = [drive_options(seed, instants=12, varied=True) for seed in range(1000, 1020)]
    for name in ("noise", "blur", "exposure", "jpeg_quality", "cameras"):
        assert len({getattr(drive, name) for drive in drives}) > 1, name
    assert drive_options(1000, instants=12, varied=True) == drives[0]


def test_evaluation_drives_have_seeds_of_their_own() -> None:
    options = EvaluationOptions(
        model=Path("demo_model.onnx"), first_seed=20000, drives=50, instants=1, conditions=tuple(Condition)
    )
    seeds = [evaluation_drive(options, condition, number).seed for condition in Condition for number in range(50)]
    assert len(set(seeds)) == len(seeds)
    assert min(seeds) == 20000
