"""Running average of a network's weights: what is validated and shipped."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

DECAY = 0.9995


class WeightAverage:
    """Exponential moving average of weights and batch-norm statistics, short at first, then over about 2000 steps."""

    def __init__(self, network: nn.Module) -> None:
        self.network = copy.deepcopy(network).eval().requires_grad_(False)
        self._target = _floats(self.network)

    @torch.no_grad()
    def update(self, network: nn.Module, step: int) -> None:
        """Move the average towards `network` after step number `step`."""
        decay = min(DECAY, (1 + step) / (10 + step))
        torch._foreach_lerp_(self._target, _floats(network), 1.0 - decay)


def _floats(network: nn.Module) -> list[Tensor]:
    return [tensor for tensor in network.state_dict().values() if tensor.is_floating_point()]
