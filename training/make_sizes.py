"""Make the network at several sizes with random weights, for measuring speed: S, M, L and XL.

python3 -m training.make_sizes --output build/sizes [--sizes S M] [--dynamic-batch]
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from training.export import HEIGHT, WIDTH, export_onnx
from training.network.network import Network
from training.network.network_options import NetworkOptions

SIZES = {
    "S": NetworkOptions(widths=(8, 16, 32, 64, 128), depths=(1, 2, 2, 1), neck_width=32, head_width=32, mask_width=16),
    "M": NetworkOptions(
        widths=(16, 40, 80, 160, 256), depths=(1, 2, 3, 2), neck_width=72, head_width=72, mask_width=32
    ),
    "L": NetworkOptions(
        widths=(32, 64, 144, 288, 480), depths=(2, 3, 4, 3), neck_width=128, head_width=128, mask_width=64
    ),
    "XL": NetworkOptions(
        widths=(48, 112, 256, 512, 768), depths=(3, 6, 7, 3), neck_width=256, head_width=256, mask_width=96
    ),
}


def random_network(options: NetworkOptions, seed: int) -> Network:
    """A network whose weights, biases and normalisation are all drawn, so that no two tensors are equal, and whose
    activations neither die nor explode: each block's statistics are those of the picture noise that passes through it.
    """
    torch.manual_seed(seed)
    network = Network(options).eval()
    hooks = []
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.6, 1.4)
            nn.init.uniform_(module.bias, -0.3, 0.3)
            hooks.append(module.register_forward_pre_hook(_take_statistics))
        elif isinstance(module, nn.Conv2d) and module.bias is not None:
            # The predictions: scattered around their prior, small enough for exp(p) to be a box.
            nn.init.normal_(module.weight, std=0.3 / module.in_channels**0.5)
            module.bias.data += torch.randn_like(module.bias) * 0.1
    with torch.no_grad():
        network(torch.rand(1, 3, HEIGHT, WIDTH))
    for hook in hooks:
        hook.remove()
    return network


def _take_statistics(norm: nn.Module, inputs: tuple[Tensor]) -> None:
    assert isinstance(norm, nn.BatchNorm2d)
    assert norm.running_mean is not None  # for the type checker: statistics are always tracked here
    assert norm.running_var is not None
    norm.running_mean.copy_(inputs[0].mean((0, 2, 3)))
    norm.running_var.copy_(inputs[0].var((0, 2, 3)) + 1e-3)


def gigaflops(network: Network) -> float:
    """Multiplications and additions of the convolutions for one picture of HEIGHT x WIDTH px, in 10^9."""
    total = 0

    def count(conv: nn.Module, _: Any, output: Tensor) -> None:
        nonlocal total
        assert isinstance(conv, nn.Conv2d)
        total += 2 * conv.weight.numel() * output.shape[2] * output.shape[3]

    hooks = [module.register_forward_hook(count) for module in network.modules() if isinstance(module, nn.Conv2d)]
    with torch.no_grad():
        network(torch.zeros(1, 3, HEIGHT, WIDTH))
    for hook in hooks:
        hook.remove()
    return total / 1e9


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, required=True, help="folder of the ONNX files")
    parser.add_argument("--sizes", nargs="+", choices=list(SIZES), default=list(SIZES), help="default: all")
    parser.add_argument("--seed", type=int, default=0, help="default: 0")
    parser.add_argument("--dynamic-batch", action="store_true", help="leave the batch size open")
    arguments = parser.parse_args()
    arguments.output.mkdir(parents=True, exist_ok=True)
    for size in arguments.sizes:
        network = random_network(SIZES[size], arguments.seed)
        parameters = sum(parameter.numel() for parameter in network.parameters())
        print(f"{size}: {gigaflops(network):.1f} GFLOPs, {parameters / 1e6:.2f} M parameters", flush=True)
        path = arguments.output / f"size_{size.lower()}.onnx"
        export_onnx(network, path, dynamic_batch=arguments.dynamic_batch)


if __name__ == "__main__":
    main()
