"""Precisions of single layers, for builders with precision flags."""

from __future__ import annotations

from typing import Any

from trt_perception.engine.parse_network import ParsedNetwork
from trt_perception.precision.account import Account
from trt_perception.precision.precision_plan import Precision


def pin_precisions(trt: Any, parsed: ParsedNetwork, account: Account) -> tuple[str, ...]:
    """Fix what each layer of `account.layer_precisions` computes in and gives out.

    Outputs of the network keep the type that the ONNX says. TensorRT's layers have the names of the ONNX's nodes.

    Returns:
        The nodes that the parsed network does not have: folded while parsing.
    """
    kinds = {Precision.FP16: trt.DataType.HALF, Precision.FP32: trt.DataType.FLOAT}
    floats = set(kinds.values())
    waiting = dict(account.layer_precisions)
    found = set()
    for layer in parsed.layers():
        if layer.name not in waiting:
            continue
        found.add(layer.name)
        kind = kinds[waiting[layer.name]]
        inputs = (layer.get_input(index) for index in range(layer.num_inputs))
        if any(tensor is not None and tensor.dtype in floats for tensor in inputs):
            layer.precision = kind
        for index in range(layer.num_outputs):
            tensor = layer.get_output(index)
            if tensor.dtype in floats and not tensor.is_network_output:
                layer.set_output_type(index, kind)
    return tuple(name for name in waiting if name not in found)
