"""Folds batch normalisation into the convolution before it."""

from __future__ import annotations

import copy

import torch
from torch import nn

from training.network.conv_block import ConvBlock


@torch.no_grad()
def folded(network: nn.Module) -> nn.Module:
    """A copy of `network` on the CPU in evaluation mode whose convolutions carry the normalisation."""
    result = copy.deepcopy(network).cpu().float().eval()
    for block in result.modules():
        if isinstance(block, ConvBlock) and isinstance(block.norm, nn.BatchNorm2d):
            block.conv, block.norm = _fold(block.conv, block.norm), nn.Identity()
    return result


def _fold(conv: nn.Conv2d, norm: nn.BatchNorm2d) -> nn.Conv2d:
    assert norm.running_mean is not None  # for the type checker: statistics are always tracked here
    assert norm.running_var is not None
    scale = norm.weight / (norm.running_var + norm.eps).sqrt()
    kernel, stride, padding = conv.kernel_size[0], conv.stride[0], conv.padding[0]
    result = nn.Conv2d(conv.in_channels, conv.out_channels, kernel, stride, int(padding))
    result.weight.copy_(conv.weight * scale[:, None, None, None])
    assert result.bias is not None
    result.bias.copy_(norm.bias - norm.running_mean * scale)
    return result
