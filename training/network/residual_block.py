"""A narrow 1x1 and a full 3x3 convolution around which the input is added."""

from __future__ import annotations

from torch import Tensor, nn

from training.network.conv_block import ConvBlock


class ResidualBlock(nn.Module):
    """1x1 to half the width, 3x3 back to the full width, plus the input."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.reduce = ConvBlock(width, width // 2, kernel=1)
        self.expand = ConvBlock(width // 2, width)

    def forward(self, x: Tensor) -> Tensor:
        """x: (b, width, h, w), the result has the same shape."""
        result: Tensor = x + self.expand(self.reduce(x))
        return result
