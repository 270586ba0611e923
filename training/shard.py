"""The training pictures of one drive in one file."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from trt_perception.demo.condition import Condition
from trt_perception.demo.ground_truth import GroundTruth

CONDITIONS = tuple(Condition)
_JPEG = (cv2.IMWRITE_JPEG_QUALITY, 96)
"""Close to lossless and a tenth of the size: 20 000 pictures must fit beside their decoded form in memory."""


@dataclass(frozen=True, kw_only=True, eq=False)
class LabelledPicture:
    """One camera picture with its truth.

    Args:
        image: uint8 (h, w, 3) BGR.
        thermal: uint8 (h, w).
        truth: What is really there.
        condition: Light and weather.
    """

    image: NDArray[np.uint8]
    thermal: NDArray[np.uint8]
    truth: GroundTruth
    condition: Condition


@dataclass(frozen=True, kw_only=True, eq=False)
class Shard:
    """Pictures of one drive, still compressed.

    Args:
        images, thermal, masks: JPEG, JPEG and PNG bytes, uint8 (k,), one a picture.
        counts: int64 (pictures,), objects in each picture; the arrays below hold them one picture after the other.
        boxes: float32 (objects, 4), x1 y1 x2 y2 in px.
        class_ids: int32 (objects,).
        visible_fraction: float32 (objects,).
        truncation: float32 (objects,).
        conditions: int32 (pictures,), index into CONDITIONS.
    """

    images: Sequence[NDArray[np.uint8]]
    thermal: Sequence[NDArray[np.uint8]]
    masks: Sequence[NDArray[np.uint8]]
    counts: NDArray[np.int64]
    boxes: NDArray[np.float32]
    class_ids: NDArray[np.int32]
    visible_fraction: NDArray[np.float32]
    truncation: NDArray[np.float32]
    conditions: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.counts)

    def picture(self, index: int) -> LabelledPicture:
        """Picture `index`, decoded; the truth without tracks and 3D boxes, which training does not use."""
        end = int(self.counts[: index + 1].sum())
        rows = slice(end - int(self.counts[index]), end)
        count = int(self.counts[index])
        return LabelledPicture(
            image=_decode(self.images[index], cv2.IMREAD_COLOR),
            thermal=_decode(self.thermal[index], cv2.IMREAD_GRAYSCALE),
            truth=GroundTruth(
                boxes=self.boxes[rows],
                class_ids=self.class_ids[rows],
                track_ids=np.zeros(count, np.int64),
                visible_fraction=self.visible_fraction[rows],
                truncation=self.truncation[rows],
                mask=_decode(self.masks[index], cv2.IMREAD_GRAYSCALE),
                boxes_3d=np.zeros((count, 7), np.float32),
            ),
            condition=CONDITIONS[self.conditions[index]],
        )


def write_shard(path: Path, pictures: Iterable[LabelledPicture]) -> int:
    """Write pictures to `path` (.npz), whole or not at all; returns how many."""
    pictures = list(pictures)
    truths = [picture.truth for picture in pictures]
    arrays: dict[str, NDArray[np.generic]] = {
        "counts": np.array([len(truth) for truth in truths], np.int64),
        "boxes": np.concatenate([truth.boxes for truth in truths]),
        "class_ids": np.concatenate([truth.class_ids for truth in truths]),
        "visible_fraction": np.concatenate([truth.visible_fraction for truth in truths]),
        "truncation": np.concatenate([truth.truncation for truth in truths]),
        "conditions": np.array([CONDITIONS.index(picture.condition) for picture in pictures], np.int32),
    }
    for name, encoded in (
        ("images", [_encode(".jpg", picture.image, _JPEG) for picture in pictures]),
        ("thermal", [_encode(".jpg", picture.thermal, _JPEG) for picture in pictures]),
        ("masks", [_encode(".png", picture.truth.mask, ()) for picture in pictures]),
    ):
        arrays[name] = np.concatenate(encoded)
        arrays[f"{name}_bytes"] = np.array([len(item) for item in encoded], np.int64)
    temporary = path.with_suffix(".tmp")
    with temporary.open("wb") as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]
    temporary.replace(path)
    return len(pictures)


def read_shard(path: Path) -> Shard:
    """Read what `write_shard` wrote."""
    with np.load(path) as file:
        arrays: dict[str, Any] = {name: file[name] for name in file.files}
    compressed: dict[str, Any] = {
        name: np.split(arrays.pop(name), np.cumsum(arrays.pop(f"{name}_bytes"))[:-1])
        for name in ("images", "thermal", "masks")
    }
    return Shard(**compressed, **arrays)


def _encode(suffix: str, pixels: NDArray[np.uint8], parameters: Sequence[int]) -> NDArray[np.uint8]:
    _, data = cv2.imencode(suffix, pixels, list(parameters))
    return np.asarray(data, np.uint8).ravel()


def _decode(data: NDArray[np.uint8], flags: int) -> NDArray[np.uint8]:
    pixels = cv2.imdecode(data, flags)
    if pixels is None:
        raise ValueError("shard: a picture does not decode; make the dataset anew")
    return np.asarray(pixels, np.uint8)
