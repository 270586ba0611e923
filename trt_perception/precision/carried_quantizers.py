"""A model that was quantized before (in training, or by another tool): taken as it is, checked and reported."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from trt_perception.precision.account import QuantizerAccount, WeightAccount
from trt_perception.precision.graph_view import GraphView

_LAYERS = ("Conv", "ConvTranspose", "Gemm", "MatMul")


def carries_quantizers(view: GraphView) -> bool:
    """Whether the model has QuantizeLinear or DequantizeLinear nodes of its own."""
    return any(node.op_type in ("QuantizeLinear", "DequantizeLinear") for node in view.nodes)


def carried_activations(view: GraphView) -> tuple[QuantizerAccount, ...]:
    """The quantized activations; a scale by channel is told by its largest."""
    return tuple(
        QuantizerAccount(
            tensor=node.input[0],
            scale=float(scale.max()),
            readers=tuple(
                view.nodes[reader].name for dequantizer in view.after(index) for reader in view.after(dequantizer)
            ),
        )
        for index, node in enumerate(view.nodes)
        if node.op_type == "QuantizeLinear"
        and node.input[0] not in view.initializers
        and (scale := view.constant(node.input[1])) is not None
        and scale.size
    )


def carried_weights(view: GraphView) -> tuple[WeightAccount, ...]:
    """The quantized weights of layers."""
    return tuple(_carried_weights(view))


def quantized_layers(view: GraphView) -> frozenset[str]:
    """Names of the layers whose data and weights both come out of a DequantizeLinear."""
    return frozenset(
        node.name
        for node in view.nodes
        if node.op_type in _LAYERS and all(_dequantizer(view, tensor) is not None for tensor in node.input[:2])
    )


def carried_findings(view: GraphView) -> tuple[str, ...]:
    """What TensorRT refuses or will not use: zero points, scales that are not positive or not constant."""
    return tuple(_findings(view))


def _findings(view: GraphView) -> Iterator[str]:
    for node in view.nodes:
        if node.op_type not in ("QuantizeLinear", "DequantizeLinear"):
            continue
        scale = view.constant(node.input[1])
        if scale is None:
            yield f"{node.name}: its scale is not constant, which TensorRT refuses"
        elif not (np.isfinite(scale).all() and (scale > 0).all()):
            yield f"{node.name}: expected positive scales, got {float(scale.min()):.3g}, which TensorRT refuses"
        zero = view.constant(node.input[2]) if len(node.input) > 2 and node.input[2] else None
        if zero is not None and zero.any():
            yield f"{node.name}: a zero point that is not 0, which TensorRT refuses; quantize symmetrically"
        elif zero is not None and zero.dtype == np.uint8:
            yield f"{node.name}: unsigned 8-bit values, which TensorRT refuses; quantize to signed ones"
    layers = [node for node in view.nodes if node.op_type in _LAYERS]
    quantized = quantized_layers(view)
    for node in layers:
        sides = [_dequantizer(view, tensor) is not None for tensor in node.input[:2]]
        if node.name not in quantized and any(sides):
            yield f"{node.name}: only its {'data' if sides[0] else 'weights'} are quantized, so it computes in floats"


def _dequantizer(view: GraphView, tensor: str) -> Any:
    maker = view.maker.get(tensor)
    if maker is None:
        return None
    node = view.nodes[maker]
    if node.op_type == "Transpose":  # some exporters turn the weights of a Gemm after the DequantizeLinear
        return _dequantizer(view, node.input[0])
    return node if node.op_type == "DequantizeLinear" else None


def _carried_weights(view: GraphView) -> Iterator[WeightAccount]:
    for node in view.nodes:
        dequantizer = _dequantizer(view, node.input[1]) if node.op_type in _LAYERS else None
        scale = view.constant(dequantizer.input[1]) if dequantizer is not None else None
        if dequantizer is None or scale is None or not scale.size:
            continue
        yield WeightAccount(
            node=node.name,
            tensor=node.input[1],
            axis=next((item.i for item in dequantizer.attribute if item.name == "axis"), 1),
            channels=int(scale.size),
            smallest_scale=float(scale.min()),
            largest_scale=float(scale.max()),
        )
