"""A training run on small drawn pictures: it learns, it survives, it resumes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs torch")

from training.checkpoint import load_average  # noqa: E402
from training.dataset import Dataset, load_dataset  # noqa: E402
from training.network.network_options import NetworkOptions  # noqa: E402
from training.shard import LabelledPicture, write_shard  # noqa: E402
from training.trainer import (  # noqa: E402
    CALM_FROM,
    CALM_STRENGTH,
    FINAL_RATE,
    WARMUP_STEPS,
    Trainer,
    TrainerOptions,
    augmentation_strength,
    learning_rate,
)
from training.validation import Validator  # noqa: E402
from trt_perception.demo.condition import Condition  # noqa: E402
from trt_perception.demo.ground_truth import GroundTruth  # noqa: E402

TINY = NetworkOptions(widths=(8, 16, 24, 32, 32), depths=(0, 1, 1, 0), neck_width=24, head_width=24, mask_width=8)
CPU = torch.device("cpu")


def _picture(seed: int) -> LabelledPicture:
    """One bright box on a dark ground; the lower half is drivable."""
    random = np.random.default_rng(seed)
    image = np.full((96, 128, 3), 40, np.uint8)
    x, y = random.integers(10, 70), random.integers(10, 40)
    image[y : y + 40, x : x + 40] = 220
    mask = np.zeros((96, 128), np.uint8)
    mask[48:] = 1
    image[48:] //= 2
    return LabelledPicture(
        image=image,
        thermal=np.ascontiguousarray(image[:, :, 0]),
        truth=GroundTruth(
            boxes=np.array([[x, y, x + 40, y + 40]], np.float32),
            class_ids=np.zeros(1, np.int32),
            track_ids=np.zeros(1, np.int64),
            visible_fraction=np.ones(1, np.float32),
            truncation=np.zeros(1, np.float32),
            mask=mask,
            boxes_3d=np.zeros((1, 7), np.float32),
        ),
        condition=Condition.DAY,
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    write_shard(folder / "drive_001000.npz", [_picture(seed) for seed in range(16)])
    return folder


@pytest.fixture(scope="module")
def data(folder: Path) -> Dataset:
    return load_dataset(folder, CPU, with_thermal=False)


def _options(output: Path, seconds: float) -> TrainerOptions:
    return TrainerOptions(output=output, seconds=seconds, budget_s=2 * seconds, batch=8)


def test_losses_fall(data: Dataset, tmp_path: Path) -> None:
    trainer = Trainer(TINY, _options(tmp_path, 1000.0), CPU, None)
    trainer.step = WARMUP_STEPS
    index = torch.arange(8)
    totals = []
    for _ in range(30):
        losses = trainer._learn(trainer._augmenter.batch(data, index))
        totals.append(sum(float(value) for value in losses.values()))
    assert np.mean(totals[-5:]) < 0.6 * np.mean(totals[:5])


def test_resumes_where_it_ended(data: Dataset, folder: Path, tmp_path: Path) -> None:
    validator = Validator(folder, CPU, limit=4)
    first = Trainer(TINY, _options(tmp_path, 0.5), CPU, None)
    first.train(data, validator)
    first.save()
    second = Trainer(TINY, _options(tmp_path, 0.5), CPU, tmp_path)
    assert (second.step, second.spent_s) == (first.step, first.spent_s)
    assert first.step > 0
    for name, tensor in first.network.state_dict().items():
        assert torch.equal(second.network.state_dict()[name], tensor), name
    second.train(data, validator)
    assert second.spent_s >= first.spent_s + 0.5
    average = load_average(tmp_path).state_dict()
    assert all(torch.equal(average[name], tensor) for name, tensor in first.average.network.state_dict().items())


def test_a_step_that_is_not_finite_changes_nothing(data: Dataset, tmp_path: Path) -> None:
    trainer = Trainer(TINY, _options(tmp_path, 10.0), CPU, None)
    batch: Any = trainer._augmenter.batch(data, torch.arange(4))
    trainer._learn(batch)
    expected = {name: tensor.clone() for name, tensor in trainer.average.network.state_dict().items()}
    batch.images[0, 0, 0, 0] = float("nan")
    assert trainer._learn(batch) == {}
    assert (trainer.skipped, trainer.step) == (1, 1)
    for name, tensor in trainer.network.state_dict().items():
        assert torch.equal(tensor, expected[name]), name


@pytest.mark.parametrize(
    ("progress", "step", "factor"),
    [
        pytest.param(0.0, 0, 1.0 / WARMUP_STEPS, id="first_step"),
        pytest.param(0.0, WARMUP_STEPS, 1.0, id="after_warm_up"),
        pytest.param(0.5, WARMUP_STEPS, (1.0 + FINAL_RATE) / 2, id="half_of_the_time"),
        pytest.param(1.0, 10_000, FINAL_RATE, id="end"),
        pytest.param(1.2, 10_000, FINAL_RATE, id="beyond_the_end"),
    ],
)
def test_learning_rate_follows_the_time(progress: float, step: int, factor: float) -> None:
    assert learning_rate(progress, step, 2.0) == pytest.approx(2.0 * factor)


@pytest.mark.parametrize(
    ("progress", "strength"),
    [
        pytest.param(0.0, 1.0, id="begin"),
        pytest.param(CALM_FROM, 1.0, id="still_full"),
        pytest.param(1.0, CALM_STRENGTH, id="end"),
        pytest.param(1.5, CALM_STRENGTH, id="beyond_the_end"),
    ],
)
def test_augmentation_calms_down_at_the_end(progress: float, strength: float) -> None:
    assert augmentation_strength(progress) == pytest.approx(strength)
