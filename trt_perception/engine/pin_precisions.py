"""Precisions of single layers, for builders with precision flags."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trt_perception.engine.parse_network import ParsedNetwork
from trt_perception.precision.precision_plan import Precision


def pin_precisions(trt: Any, parsed: ParsedNetwork, precisions: Mapping[str, Precision]) -> tuple[str, ...]:
    """Fix what layers compute in and give out.

    Outputs of the network keep the type that the ONNX says.

    Args:
        trt: The TensorRT module.
        parsed: A network that is not strongly typed.
        precisions: By node; TensorRT's layers have the names of the ONNX's nodes.

    Returns:
        The nodes that the parsed network does not have: folded while parsing.
    """
    kinds = {Precision.FP16: trt.DataType.HALF, Precision.FP32: trt.DataType.FLOAT}
    floats = set(kinds.values())
    found = set()
    for layer in parsed.layers():
        if layer.name not in precisions:
            continue
        found.add(layer.name)
        kind = kinds[precisions[layer.name]]
        inputs = (layer.get_input(index) for index in range(layer.num_inputs))
        if any(tensor is not None and tensor.dtype in floats for tensor in inputs):
            layer.precision = kind
        for index in range(layer.num_outputs):
            tensor = layer.get_output(index)
            if tensor.dtype in floats and not tensor.is_network_output:
                layer.set_output_type(index, kind)
    return tuple(name for name in precisions if name not in found)
