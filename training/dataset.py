"""A whole dataset, decoded, in the memory of one device."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from training.shard import LabelledPicture, read_shard
from trt_perception.demo.ground_truth import GroundTruth

MIN_SEEN = 0.05
"""An object of which less is visible leaves no trace in the picture: its place is background."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Dataset:
    """n pictures; m is the most visible objects of any of them, rows beyond a picture's own have class -1.

    Args:
        images: uint8 (n, h, w, 3), BGR.
        thermal: uint8 (n, h, w); None when not asked for.
        masks: uint8 (n, h, w), class ids.
        boxes: float32 (n, m, 4), x1 y1 x2 y2 in px.
        classes: int64 (n, m).
        visible_fraction: float32 (n, m).
        truncation: float32 (n, m).
        counts: int64 (n,), visible objects of each picture; always on the CPU.
    """

    images: Tensor
    thermal: Tensor | None
    masks: Tensor
    boxes: Tensor
    classes: Tensor
    visible_fraction: Tensor
    truncation: Tensor
    counts: Tensor

    def __len__(self) -> int:
        return len(self.images)


def shard_paths(folder: Path) -> list[Path]:
    """The dataset's files in the order of their seeds.

    Raises:
        FileNotFoundError: There are none.
    """
    paths = sorted(folder.glob("drive_*.npz"))
    if not paths:
        raise FileNotFoundError(f"{folder}: expected drive_*.npz files, found none; run training.make_dataset first")
    return paths


def read_pictures(path: Path) -> list[LabelledPicture]:
    """All pictures of one file, decoded."""
    shard = read_shard(path)
    return [shard.picture(index) for index in range(len(shard))]


def _most_objects(path: Path) -> tuple[int, int]:
    """Pictures in a file, and the most visible objects in one of them."""
    shard = read_shard(path)
    seen = np.split(shard.visible_fraction >= MIN_SEEN, np.cumsum(shard.counts)[:-1])
    return len(shard), max(int(rows.sum()) for rows in seen)


def load_dataset(folder: Path, device: torch.device, *, with_thermal: bool) -> Dataset:
    """Decode every picture of `folder` straight into the device's memory."""
    paths = shard_paths(folder)
    workers = os.cpu_count() or 1
    with ThreadPoolExecutor(workers) as pool:
        sizes = list(pool.map(_most_objects, paths))
    total, most = sum(count for count, _ in sizes), max(1, *(most for _, most in sizes))
    height, width = read_shard(paths[0]).picture(0).image.shape[:2]
    data = Dataset(
        images=torch.empty((total, height, width, 3), dtype=torch.uint8, device=device),
        thermal=torch.empty((total, height, width), dtype=torch.uint8, device=device) if with_thermal else None,
        masks=torch.empty((total, height, width), dtype=torch.uint8, device=device),
        boxes=torch.zeros((total, most, 4), device=device),
        classes=torch.full((total, most), -1, dtype=torch.int64, device=device),
        visible_fraction=torch.zeros((total, most), device=device),
        truncation=torch.zeros((total, most), device=device),
        counts=torch.zeros(total, dtype=torch.int64),
    )
    start = 0
    with ThreadPoolExecutor(workers) as pool:
        # In groups: all at once would hold the decoded dataset in host memory too.
        for first in range(0, len(paths), 2 * workers):
            for pictures in pool.map(read_pictures, paths[first : first + 2 * workers]):
                _place(data, start, pictures, most)
                start += len(pictures)
    return data


def _place(data: Dataset, start: int, pictures: list[LabelledPicture], most: int) -> None:
    rows = slice(start, start + len(pictures))
    truths = [_visible(picture.truth) for picture in pictures]
    data.counts[rows] = torch.tensor([len(truth) for truth in truths])
    data.images[rows] = torch.from_numpy(np.stack([picture.image for picture in pictures]))
    data.masks[rows] = torch.from_numpy(np.stack([truth.mask for truth in truths]))
    if data.thermal is not None:
        data.thermal[rows] = torch.from_numpy(np.stack([picture.thermal for picture in pictures]))
    data.boxes[rows] = torch.from_numpy(np.stack([_padded(truth.boxes, most, 0) for truth in truths]))
    classes = [_padded(truth.class_ids.astype(np.int64), most, -1) for truth in truths]
    data.classes[rows] = torch.from_numpy(np.stack(classes))
    visible = [_padded(truth.visible_fraction, most, 0) for truth in truths]
    data.visible_fraction[rows] = torch.from_numpy(np.stack(visible))
    data.truncation[rows] = torch.from_numpy(np.stack([_padded(truth.truncation, most, 0) for truth in truths]))


def _visible(truth: GroundTruth) -> GroundTruth:
    seen = truth.visible_fraction >= MIN_SEEN
    rows = ("boxes", "class_ids", "track_ids", "visible_fraction", "truncation", "boxes_3d")
    return replace(truth, **{name: getattr(truth, name)[seen] for name in rows})


def _padded(rows: NDArray[np.generic], count: int, value: int) -> NDArray[np.generic]:
    padding = [(0, count - len(rows))] + [(0, 0)] * (rows.ndim - 1)
    return np.pad(rows, padding, constant_values=value)
