"""Max pooling over growing windows: a wide view at the coarsest stride for little arithmetic."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from training.network.conv_block import ConvBlock


class PoolPyramid(nn.Module):
    """Half the width, pooled over 1, 5, 9 and 13 cells, joined and brought back to the full width."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.reduce = ConvBlock(width, width // 2, kernel=1)
        self.pool = nn.MaxPool2d(5, 1, 2)
        self.expand = ConvBlock(width // 2 * 4, width, kernel=1)

    def forward(self, x: Tensor) -> Tensor:
        """x: (b, width, h, w), the result has the same shape."""
        levels = [self.reduce(x)]
        for _ in range(3):
            levels.append(self.pool(levels[-1]))
        result: Tensor = self.expand(torch.cat(levels, 1))
        return result
