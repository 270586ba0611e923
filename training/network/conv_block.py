"""Convolution, batch normalisation, ReLU: what the whole network is made of."""

from __future__ import annotations

from torch import Tensor, nn


class ConvBlock(nn.Module):
    """Square convolution without bias, batch normalisation, ReLU. Padding keeps the size up to the stride."""

    def __init__(self, inputs: int, outputs: int, *, kernel: int = 3, stride: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False)
        self.norm: nn.Module = nn.BatchNorm2d(outputs, eps=1e-3, momentum=0.03)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        """x: (b, inputs, h, w) to (b, outputs, ceil(h / stride), ceil(w / stride))."""
        result: Tensor = self.relu(self.norm(self.conv(x)))
        return result
