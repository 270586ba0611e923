"""Anchor-free detection head in the YOLOX layout."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from training.network.conv_block import ConvBlock
from training.network.network_options import STRIDES, NetworkOptions

PRIOR = 0.01
"""Score that every cell starts with, so that the first steps are not swamped by thousands of empty cells."""


class DetectionLevel(nn.Module):
    """Two branches at one stride: where (box and objectness) and what (classes)."""

    def __init__(self, options: NetworkOptions) -> None:
        super().__init__()
        width = options.head_width
        self.where = ConvBlock(options.neck_width, width)
        self.what = ConvBlock(options.neck_width, width)
        self.box = nn.Conv2d(width, 4, 1)
        self.objectness = nn.Conv2d(width, 1, 1)
        self.classes = nn.Conv2d(width, options.class_count, 1)
        for convolution in (self.objectness, self.classes):
            nn.init.constant_(convolution.bias, -math.log((1 - PRIOR) / PRIOR))  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """x: (b, neck_width, h, w). Returns box (b, 4, h, w), objectness (b, 1, h, w), classes (b, c, h, w), logits."""
        where = self.where(x)
        return self.box(where), self.objectness(where), self.classes(self.what(x))


class DetectionHead(nn.Module):
    """One DetectionLevel a stride, their cells in one list, finest stride first, row by row."""

    def __init__(self, options: NetworkOptions) -> None:
        super().__init__()
        self.level8, self.level16, self.level32 = (DetectionLevel(options) for _ in STRIDES)

    def logits(self, features: list[Tensor]) -> Tensor:
        """Raw cells for the loss: (b, n, 5 + classes), x y w h in grid units, then logits."""
        levels = zip((self.level8, self.level16, self.level32), features, strict=True)
        cells = [torch.cat(level(feature), 1).flatten(2) for level, feature in levels]
        return torch.cat(cells, 2).transpose(1, 2)

    def forward(self, features: list[Tensor]) -> Tensor:
        """The exported output: (b, n, 5 + classes). x y w h stay in grid units (xy = (p + cell) * stride,
        wh = exp(p) * stride), because pixels up to 960 lose sub-pixel precision in FP16; scores are 0 to 1.
        """
        cells = []
        for level, feature in zip((self.level8, self.level16, self.level32), features, strict=True):
            box, objectness, classes = level(feature)
            level_cells = torch.cat((box, objectness.sigmoid(), classes.sigmoid()), 1)
            # Plain numbers, so that the exported Reshape has a constant shape.
            count, outputs = (int(size) for size in level_cells.shape[:2])
            cells.append(level_cells.reshape(count, outputs, -1))
        return torch.cat(cells, 2).transpose(1, 2)
