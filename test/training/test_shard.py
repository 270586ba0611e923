"""Training pictures survive the way through their file."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from training.shard import LabelledPicture, read_shard, write_shard
from trt_perception.demo.condition import Condition
from trt_perception.demo.ground_truth import GroundTruth


def _picture(seed: int, count: int, condition: Condition) -> LabelledPicture:
    random = np.random.default_rng(seed)
    smooth = random.integers(0, 256, (6, 8, 3), np.uint8)
    image = cv2.resize(smooth, (64, 48), interpolation=cv2.INTER_LINEAR)
    return LabelledPicture(
        image=image,
        thermal=np.ascontiguousarray(image[:, :, 0]),
        truth=GroundTruth(
            boxes=random.uniform(0, 48, (count, 4)).astype(np.float32),
            class_ids=random.integers(0, 7, count).astype(np.int32),
            track_ids=np.arange(count),
            visible_fraction=random.random(count).astype(np.float32),
            truncation=random.random(count).astype(np.float32),
            mask=random.integers(0, 3, (48, 64)).astype(np.uint8),
            boxes_3d=np.zeros((count, 7), np.float32),
        ),
        condition=condition,
    )


def test_pictures_come_back_with_their_own_objects(tmp_path: Path) -> None:
    pictures = [_picture(1, 3, Condition.DAY), _picture(2, 0, Condition.FOG), _picture(3, 5, Condition.NIGHT)]
    assert write_shard(tmp_path / "drive.npz", pictures) == 3
    shard = read_shard(tmp_path / "drive.npz")
    assert len(shard) == 3
    for index, picture in enumerate(pictures):
        copy = shard.picture(index)
        assert copy.condition is picture.condition
        for name in ("boxes", "class_ids", "visible_fraction", "truncation", "mask"):
            np.testing.assert_array_equal(getattr(copy.truth, name), getattr(picture.truth, name), err_msg=name)
        assert np.abs(copy.image.astype(int) - picture.image).mean() < 3  # JPEG
        assert np.abs(copy.thermal.astype(int) - picture.thermal).mean() < 3


def test_leaves_no_temporary_file(tmp_path: Path) -> None:
    write_shard(tmp_path / "drive.npz", [_picture(1, 2, Condition.DAY)])
    assert [path.name for path in tmp_path.iterdir()] == ["drive.npz"]
