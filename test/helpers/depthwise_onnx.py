"""A depthwise convolution with SiLU between two others with SiLU: YOLOX-nano's block, alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from helpers.onnx_graph import OnnxGraph

CHANNELS = 16


def make_depthwise_onnx(path: Path, *, size: int = 32, batch: int | str = 1, opset: int = 17) -> Path:
    """Input `images` [batch, 3, s, s], output `last` [batch, 16, s, s]; layers `first`, `depthwise`, `last`.

    Each activation is `<layer>.sigmoid` and `<layer>.mul`.
    """
    graph = OnnxGraph()

    def silu(layer: str) -> str:
        return graph.add("Mul", layer, graph.add("Sigmoid", layer, name=f"{layer}.sigmoid"), name=f"{layer}.mul")

    source = silu(graph.conv("images", 3, CHANNELS, name="first"))
    weights = np.random.default_rng(1).normal(0, 0.5, (CHANNELS, 1, 3, 3)).astype(np.float32)
    inner = graph.add(
        "Conv", source, graph.constant(weights, "depthwise.weight"), name="depthwise", group=CHANNELS,
        kernel_shape=[3, 3], pads=[1] * 4,
    )  # fmt: skip
    graph.conv(silu(inner), CHANNELS, CHANNELS, kernel=1, name="last")
    shape = (batch, 3, size, size)
    return graph.save(path, inputs={"images": shape}, outputs={"last": (batch, CHANNELS, size, size)}, opset=opset)
