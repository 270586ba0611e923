"""Brings the three detection levels to one width and lets them exchange: coarse to fine, then fine to coarse."""

from __future__ import annotations

from torch import Tensor, nn

from training.network.conv_block import ConvBlock
from training.network.network_options import NetworkOptions


class Neck(nn.Module):
    """Feature pyramid with a way back (FPN and a light PAN), joined by addition."""

    def __init__(self, options: NetworkOptions) -> None:
        super().__init__()
        width = options.neck_width
        _, _, at8, at16, at32 = options.widths
        self.lateral8 = ConvBlock(at8, width, kernel=1)
        self.lateral16 = ConvBlock(at16, width, kernel=1)
        self.lateral32 = ConvBlock(at32, width, kernel=1)
        self.upsample = nn.Upsample(scale_factor=2, mode="nearest")
        self.top_down16 = ConvBlock(width, width)
        self.top_down8 = ConvBlock(width, width)
        self.down16 = ConvBlock(width, width, stride=2)
        self.bottom_up16 = ConvBlock(width, width)
        self.down32 = ConvBlock(width, width, stride=2)
        self.bottom_up32 = ConvBlock(width, width)

    def forward(self, features: list[Tensor]) -> list[Tensor]:
        """features: strides 4, 8, 16, 32. Returns strides 8, 16, 32, each of `neck_width` channels."""
        _, at8, at16, at32 = features
        top = self.lateral32(at32)
        middle = self.top_down16(self.lateral16(at16) + self.upsample(top))
        fine = self.top_down8(self.lateral8(at8) + self.upsample(middle))
        middle = self.bottom_up16(middle + self.down16(fine))
        return [fine, middle, self.bottom_up32(top + self.down32(middle))]
