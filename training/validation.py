"""Runs a network in torch over held-out pictures."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from training.dataset import read_pictures, shard_paths
from training.decode import decode_detections, decode_mask
from training.evaluated_image import EvaluatedImage, evaluated_image
from training.metrics import summarize
from training.shard import LabelledPicture


class Validator:
    """Held-out pictures in host memory.

    Args:
        folder: Dataset of held-out seeds.
        limit: Pictures at most.
    """

    def __init__(self, folder: Path, device: torch.device, *, limit: int) -> None:
        self._device = device
        first, *others = shard_paths(folder)
        pictures = read_pictures(first)
        with ThreadPoolExecutor() as pool:
            for more in pool.map(read_pictures, others[: max(0, limit // len(pictures))]):
                pictures += more
        self._pictures = pictures[:limit]

    @torch.no_grad()
    def run(self, network: nn.Module, *, with_thermal: bool, batch: int = 16) -> dict[str, Any]:
        """Accuracy of `network` (in evaluation mode) as training.metrics gives it."""
        images: list[EvaluatedImage] = []
        with ThreadPoolExecutor() as pool:
            for start in range(0, len(self._pictures), batch):
                pictures = self._pictures[start : start + batch]
                inputs = [self._images(pictures)]
                if with_thermal:
                    inputs.append(self._thermal(pictures))
                cells, logits = (output.float().cpu().numpy() for output in network(*inputs))
                images += pool.map(_evaluate, pictures, cells, logits)
        return summarize(images)

    def _images(self, pictures: list[LabelledPicture]) -> torch.Tensor:
        pixels = np.stack([picture.image[:, :, ::-1].transpose(2, 0, 1) for picture in pictures])
        return torch.from_numpy(pixels).to(self._device).float() / 255.0

    def _thermal(self, pictures: list[LabelledPicture]) -> torch.Tensor:
        pixels = np.stack([picture.thermal[None] for picture in pictures])
        return torch.from_numpy(pixels).to(self._device).float() / 255.0


def _evaluate(picture: LabelledPicture, cells: NDArray[np.float32], logits: NDArray[np.float32]) -> EvaluatedImage:
    height, width = picture.truth.mask.shape
    return evaluated_image(
        decode_detections(cells, height, width),
        decode_mask(logits, height, width),
        picture.truth,
        picture.condition.value,
    )
