"""Segmentation head: class scores of every 4 x 4 pixels."""

from __future__ import annotations

from torch import Tensor, nn

from training.network.conv_block import ConvBlock
from training.network.network_options import NetworkOptions


class SegmentationHead(nn.Module):
    """The neck's finest level, doubled in size and added to the backbone's stride 4, where lane markings still show."""

    def __init__(self, options: NetworkOptions) -> None:
        super().__init__()
        width = options.mask_width
        self.coarse = ConvBlock(options.neck_width, width)
        self.upsample = nn.Upsample(scale_factor=2, mode="nearest")
        self.lateral = ConvBlock(options.widths[1], width, kernel=1)
        self.mix = ConvBlock(width, width)
        self.classes = nn.Conv2d(width, options.mask_class_count, 1)

    def forward(self, at4: Tensor, at8: Tensor) -> Tensor:
        """at4: backbone (b, c, h/4, w/4); at8: neck (b, c, h/8, w/8). Returns logits (b, classes, h/4, w/4)."""
        joined = self.lateral(at4) + self.upsample(self.coarse(at8))
        logits: Tensor = self.classes(self.mix(joined))
        return logits
