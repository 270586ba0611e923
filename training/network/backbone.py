"""The feature extractor: five halvings of the resolution, one or two streams."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from training.network.conv_block import ConvBlock
from training.network.network_options import NetworkOptions
from training.network.pool_pyramid import PoolPyramid
from training.network.residual_block import ResidualBlock


class Stream(nn.Module):
    """The stages of one image stream, strides 2 to 32."""

    def __init__(self, channels: int, widths: tuple[int, ...], depths: tuple[int, ...]) -> None:
        super().__init__()
        self.stem = ConvBlock(channels, widths[0], stride=2)
        stages = []
        for inputs, outputs, depth in zip(widths[:-1], widths[1:], depths, strict=True):
            blocks = [ResidualBlock(outputs) for _ in range(depth)]
            stages.append(nn.Sequential(ConvBlock(inputs, outputs, stride=2), *blocks))
        self.stage1, self.stage2, self.stage3, self.stage4 = stages

    def forward(self, image: Tensor) -> list[Tensor]:
        """image: (b, channels, h, w); features at strides 4, 8, 16, 32."""
        at4 = self.stage1(self.stem(image))
        at8 = self.stage2(at4)
        at16 = self.stage3(at8)
        return [at4, at8, at16, self.stage4(at16)]


class Backbone(nn.Module):
    """One stream, or an RGB and a thermal stream fused at every stride (concatenation and a 1x1 convolution)."""

    def __init__(self, options: NetworkOptions) -> None:
        super().__init__()
        widths = options.widths
        self.rgb = Stream(3, widths, options.depths)
        self.thermal: Stream | None = None
        self.fuse: nn.ModuleList | None = None
        if options.thermal_widths is not None:
            thermal = options.thermal_widths
            self.thermal = Stream(1, thermal, options.depths)
            pairs = zip(widths[1:], thermal[1:], strict=True)
            self.fuse = nn.ModuleList(ConvBlock(a + b, a, kernel=1) for a, b in pairs)
        self.context = PoolPyramid(widths[-1])

    def forward(self, images: Tensor, thermal: Tensor | None = None) -> list[Tensor]:
        """images: (b, 3, h, w); thermal: (b, 1, h, w), of the two-stream variant only.

        Returns:
            Features at strides 4, 8, 16, 32, of `widths[1:]` channels.
        """
        features = self.rgb(images)
        if self.thermal is not None and self.fuse is not None:
            pairs = zip(self.fuse, features, self.thermal(thermal), strict=True)
            features = [fuse(torch.cat((a, b), 1)) for fuse, a, b in pairs]
        return [*features[:-1], self.context(features[-1])]
