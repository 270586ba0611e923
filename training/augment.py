"""Changes training pictures at random, on the device that holds them."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from training.dataset import Dataset
from training.detection_loss import Targets
from trt_perception.demo.ignore_rule import IgnoreRule

PADDING = 114.0 / 255.0
"""Grey around a picture that was made smaller: the letterbox's."""


@dataclass(frozen=True, kw_only=True)
class Batch:
    """What one training step sees.

    Args:
        images: float32 (b, 3, h, w), RGB, 0 to 1.
        thermal: float32 (b, 1, h, w), 0 to 1, or None.
        masks: uint8 (b, h, w), 255 = unlabelled.
        targets: The objects.
    """

    images: Tensor
    thermal: Tensor | None
    masks: Tensor
    targets: Targets


class Augmenter:
    """Draws all its random numbers from one generator, so that a seed gives the same pictures."""

    def __init__(self, seed: int, device: torch.device) -> None:
        self._device = device
        self._random = torch.Generator(device).manual_seed(seed)
        self._rule = IgnoreRule()

    def batch(self, data: Dataset, index: Tensor, strength: float = 1.0) -> Batch:
        """Pictures `index` (int64 (b,), on the CPU), flipped, scaled, shifted, and with other colours.

        strength: 0 flips only, 1 changes as much as ever.
        """
        rows, index = max(1, int(data.counts[index].max())), index.to(self._device)
        images = data.images[index].flip(-1).permute(0, 3, 1, 2).float() / 255.0
        scale, shift = self._geometry(len(index), strength)
        grid = _grid(scale, shift, images.shape)
        images = functional.grid_sample(images - PADDING, grid, align_corners=False) + PADDING
        masks = data.masks[index][:, None].float() + 1.0  # what lies outside becomes 0, then 255
        masks = functional.grid_sample(masks, grid, mode="nearest", align_corners=False)[:, 0] - 1.0
        masks = torch.where(masks < 0, torch.full_like(masks, 255.0), masks).to(torch.uint8)
        thermal = None
        if data.thermal is not None:
            thermal = data.thermal[index][:, None].float() / 255.0
            thermal = self._thermal(functional.grid_sample(thermal, grid, align_corners=False), strength)
        targets = self._targets(data, index, rows, scale, shift, images.shape)
        return Batch(images=self._colours(images, strength), thermal=thermal, masks=masks, targets=targets)

    def _uniform(self, low: float, high: float, *shape: int) -> Tensor:
        return torch.rand(shape, generator=self._random, device=self._device) * (high - low) + low

    def _around(self, reach: float, *shape: int) -> Tensor:
        return self._uniform(-reach, reach, *shape)

    def _chance(self, probability: float, *shape: int) -> Tensor:
        return torch.rand(shape, generator=self._random, device=self._device) < probability

    def _geometry(self, count: int, strength: float) -> tuple[Tensor, Tensor]:
        """Per picture the scale (b, 2), negative in x where flipped, and the shift (b, 2) in half picture sizes."""
        size = self._around(0.45 * strength, count).exp()
        size = torch.where(self._chance(0.3, count), torch.ones_like(size), size)
        shift = self._uniform(-1.0, 1.0, count, 2) * (1.0 - 1.0 / size).abs()[:, None]
        flip = torch.where(self._chance(0.5, count), -1.0, 1.0)
        return torch.stack((size * flip, size), 1), shift

    def _colours(self, images: Tensor, strength: float) -> Tensor:
        count = len(images)
        shape = (count, 1, 1, 1)
        grey = images.mean(1, keepdim=True)
        images = grey + (images - grey) * (1.0 + self._uniform(-0.6, 0.5, *shape) * strength)
        middle = images.mean((1, 2, 3), keepdim=True)
        images = middle + (images - middle) * (1.0 + self._around(0.3 * strength, *shape))
        images = images * (1.0 + self._around(0.3 * strength, *shape))
        images = images * (1.0 + self._around(0.07 * strength, count, 3, 1, 1))
        gamma = self._around(0.4 * strength, *shape).exp()
        gamma = torch.where(self._chance(0.1 * strength, *shape), gamma * 2.0, gamma)  # underexposed, as at night
        images = images.clamp(0.0, 1.0).pow(gamma)
        soft = functional.avg_pool2d(images, 3, 1, 1)
        images = torch.where(self._chance(0.1 * strength, *shape), soft, images)
        sigma = self._uniform(0.0, 0.03, *shape) * self._chance(0.5 * strength, *shape)
        noise = torch.randn(images.shape, generator=self._random, device=self._device)
        return (images + noise * sigma).clamp(0.0, 1.0)

    def _thermal(self, thermal: Tensor, strength: float) -> Tensor:
        shape = (len(thermal), 1, 1, 1)
        thermal = thermal * (1.0 + self._around(0.2 * strength, *shape)) + self._around(0.08 * strength, *shape)
        noise = torch.randn(thermal.shape, generator=self._random, device=self._device)
        thermal = (thermal + noise * self._uniform(0.0, 0.03 * strength, *shape)).clamp(0.0, 1.0)
        # Now and then no thermal picture: the network must not forget to look at the other one.
        return thermal * ~self._chance(0.05 * strength, *shape)

    def _targets(
        self, data: Dataset, index: Tensor, rows: int, scale: Tensor, shift: Tensor, shape: torch.Size
    ) -> Targets:
        """The first `rows` objects of each picture, moved as the picture was."""
        size = torch.tensor((shape[3], shape[2]), device=self._device)
        corners = data.boxes[index, :rows].reshape(len(index), -1, 2, 2) / size * 2.0 - 1.0
        corners = (corners - shift[:, None, None]) * scale[:, None, None]
        corners = (corners + 1.0) * 0.5 * size
        whole = torch.cat((corners.amin(2), corners.amax(2)), -1)
        boxes = torch.minimum(whole.clamp(min=0.0), torch.cat((size, size)))
        sides = boxes[..., 2:] - boxes[..., :2]
        kept = sides.prod(-1) / (whole[..., 2:] - whole[..., :2]).prod(-1).clamp(min=1e-6)
        truncation = 1.0 - (1.0 - data.truncation[index, :rows]) * kept
        classes, visible = data.classes[index, :rows], data.visible_fraction[index, :rows]
        is_there = (classes >= 0) & (sides.amin(-1) > 1.0)
        is_object = (
            is_there
            & (sides.amin(-1) >= self._rule.min_side_px)
            & (visible >= self._rule.min_visible_fraction)
            & (truncation <= self._rule.max_truncation)
        )
        return Targets(
            boxes=boxes * is_there[..., None],
            classes=classes.clamp(min=0),
            is_object=is_object,
            is_ignored=is_there & ~is_object,
        )


def _grid(scale: Tensor, shift: Tensor, shape: torch.Size) -> Tensor:
    """Where each pixel of the result comes from: source = result / scale + shift, in half picture sizes."""
    matrix = torch.zeros((len(scale), 2, 3), device=scale.device)
    matrix[:, 0, 0], matrix[:, 1, 1] = 1.0 / scale[:, 0], 1.0 / scale[:, 1]
    matrix[:, :, 2] = shift
    return functional.affine_grid(matrix, list(shape), align_corners=False)
