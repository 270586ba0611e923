"""Where quantization goes: which tensors, with which scales; the same for both emitters.

Activations have one scale a tensor, weights one a channel of the output, all symmetric. Quantized are the inputs of
Conv, ConvTranspose and Gemm with constant weights, and of an Add of two features the residual one: a convolution's own
output goes into the Add unquantized, so that the two fuse. Branches of a Concat, and both sides of operators that only
move values, share one scale where they are quantized, so that INT8 goes through them. Biases stay floating, and nothing
comes between a convolution and its activation.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trt_perception.errors import ModelError
from trt_perception.precision.graph_view import GraphView
from trt_perception.precision.node_precisions import NodePrecision
from trt_perception.precision.precision_plan import Precision
from trt_perception.precision.scales import quantized, rounded_scales, weight_scales

FLOAT = 1  # onnx.TensorProto.FLOAT
SAME_SCALE = frozenset({"Concat", "MaxPool", "Reshape", "Transpose", "Flatten", "Squeeze", "Unsqueeze", "Slice"})
"""Operators that move values without changing them (MaxPool and Slice drop some)."""


@dataclass(frozen=True, kw_only=True)
class QuantizedActivation:
    """One tensor that is quantized, and who reads it so.

    Args:
        tensor: Its name.
        scale: As stored.
        readers: Node name and number of the input.
        shared_with: Other quantized tensors of the same scale (Concat, MaxPool).
        float_readers: Node name and number of the input of those that compute floats, and read the quantized values all
            the same.
    """

    tensor: str
    scale: float
    readers: tuple[tuple[str, int], ...]
    float_readers: tuple[tuple[str, int], ...] = ()
    shared_with: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class QuantizedWeights:
    """The weights of one node.

    Args:
        node: Its name.
        tensor: Name of the weights.
        axis: Axis of the output channels.
        scales: float64 (channels,), as stored.
        values: int8, shape of the weights.
    """

    node: str
    tensor: str
    axis: int
    scales: NDArray[np.float64]
    values: NDArray[np.int8]


@dataclass(frozen=True, kw_only=True)
class QdqPlacement:
    """All quantizers of a graph.

    Args:
        activations: By tensor.
        weights: By node.
        left_out: Weighted layers and Adds of INT8 regions that are not quantized, with the reason.
    """

    activations: Mapping[str, QuantizedActivation]
    weights: Mapping[str, QuantizedWeights]
    left_out: Mapping[str, str]


def calibrated_tensors(view: GraphView, precisions: Mapping[str, NodePrecision]) -> tuple[str, ...]:
    """The tensors whose ranges `place_quantizers` needs, in graph order."""
    return tuple(_edges(view, precisions)[0])


def place_quantizers(
    view: GraphView,
    precisions: Mapping[str, NodePrecision],
    ranges: Mapping[str, float],
    *,
    fp16_scales: bool,
    share_quantizers: bool = False,
    model: str = "model",
) -> QdqPlacement:
    """Decide every quantizer.

    Args:
        view: The cleaned graph.
        precisions: What every node computes in.
        ranges: Largest absolute value to represent, by tensor.
        fp16_scales: Whether scales are stored in FP16.
        share_quantizers: Whether nodes that compute floats read what is quantized for others through the quantizer.
        model: Name of the model for errors.

    Raises:
        ModelError: A tensor has no range, or one that is not a positive number.
    """
    edges, left_out = _edges(view, precisions)
    _check_ranges(edges, ranges, model)
    groups = _groups(view, precisions, edges)
    activations = {}
    for tensor, readers in edges.items():
        shared = groups[tensor]
        largest = max(ranges[name] for name in shared)
        activations[tensor] = QuantizedActivation(
            tensor=tensor,
            scale=float(rounded_scales(np.array(largest), fp16=fp16_scales)),
            readers=tuple(readers),
            float_readers=tuple(_float_readers(view, precisions, tensor)) if share_quantizers else (),
            shared_with=tuple(name for name in shared if name != tensor),
        )
    weights = {
        node.name: _weights(view, index, fp16=fp16_scales)
        for index, node in enumerate(view.nodes)
        if precisions[node.name].precision is Precision.INT8 and _weight_problem(view, index) == ""
    }
    return QdqPlacement(activations=activations, weights=weights, left_out=left_out)


def _float_readers(view: GraphView, precisions: Mapping[str, NodePrecision], tensor: str) -> Iterator[tuple[str, int]]:
    """Who reads a tensor of an INT8 region in floats. The layer that makes the tensor need not write it twice then."""
    maker = view.maker.get(tensor)
    if maker is None or precisions[view.nodes[maker].name].precision is not Precision.INT8:
        return
    for index in view.readers[tensor]:
        node = view.nodes[index]
        if precisions[node.name].precision is not Precision.INT8:
            yield from ((node.name, number) for number, name in enumerate(node.input) if name == tensor)


Edges = dict[str, list[tuple[str, int]]]


def _edges(view: GraphView, precisions: Mapping[str, NodePrecision]) -> tuple[Edges, dict[str, str]]:
    """Tensors to quantize with the inputs that read them so, and what is left out."""
    edges: Edges = {}
    left_out: dict[str, str] = {}
    for index, node in enumerate(view.nodes):
        if precisions[node.name].precision is not Precision.INT8:
            continue
        problem = _weight_problem(view, index)
        if problem == "":
            edges.setdefault(node.input[0], []).append((node.name, 0))
        elif problem is not None:
            left_out[node.name] = problem
        elif node.op_type == "Add":
            residual = list(_residual_inputs(view, index, precisions))
            for number in residual:
                edges.setdefault(node.input[number], []).append((node.name, number))
            if not residual:
                left_out[node.name] = "no sum of two feature maps"
    return edges, left_out


def _weight_problem(view: GraphView, index: int) -> str | None:
    """Empty where the node is a weighted layer that can be quantized; None where it is no weighted layer."""
    node = view.nodes[index]
    if node.op_type == "MatMul":
        return "MatMul is not quantized"
    if node.op_type not in ("Conv", "ConvTranspose", "Gemm"):
        return None
    if node.input[0] in view.initializers or node.input[1] not in view.initializers:
        return "its weights are not constant"
    if view.element_type(node.input[1]) != FLOAT:
        return "its weights are not FP32"
    attributes = {item.name: item for item in node.attribute}
    if node.op_type == "ConvTranspose" and "group" in attributes and attributes["group"].i > 1:
        return "grouped ConvTranspose: channels of the groups would share scales"
    if node.op_type == "Gemm" and "transA" in attributes and attributes["transA"].i:
        return "Gemm with transA"
    return ""


def _weights(view: GraphView, index: int, *, fp16: bool) -> QuantizedWeights:
    node = view.nodes[index]
    value = view.constant(node.input[1])
    if value is None:  # _weight_problem has looked
        raise KeyError(node.input[1])
    transposed = next((item.i for item in node.attribute if item.name == "transB"), 0)
    axis = {"Conv": 0, "ConvTranspose": 1, "Gemm": 0 if transposed else 1}[node.op_type]
    scales = weight_scales(value, axis, fp16=fp16)
    return QuantizedWeights(
        node=node.name, tensor=node.input[1], axis=axis, scales=scales, values=quantized(value, scales, axis)
    )


def _residual_inputs(view: GraphView, index: int, precisions: Mapping[str, NodePrecision]) -> Iterator[int]:
    """The inputs of an Add to quantize: all but one that comes straight from a quantized layer."""
    node = view.nodes[index]
    shapes = [view.shape(tensor) for tensor in node.input]
    if any(tensor in view.initializers for tensor in node.input) or shapes[0] is None or shapes[0] != shapes[1]:
        return
    if len(shapes[0]) != 4 or view.element_type(node.output[0]) != FLOAT:
        return
    fused = next((number for number, tensor in enumerate(node.input) if _is_layer(view, tensor, precisions)), None)
    for number in range(2):
        if number != fused:
            yield number


def _is_layer(view: GraphView, tensor: str, precisions: Mapping[str, NodePrecision]) -> bool:
    maker = view.maker.get(tensor)
    if maker is None or len(view.readers[tensor]) > 1:
        return False
    is_int8 = precisions[view.nodes[maker].name].precision is Precision.INT8
    return is_int8 and _weight_problem(view, maker) == ""


def _groups(view: GraphView, precisions: Mapping[str, NodePrecision], edges: Edges) -> dict[str, list[str]]:
    """For every quantized tensor, the quantized tensors of the same scale, itself with them."""
    parent: dict[str, str] = {}

    def root(tensor: str) -> str:
        while parent.get(tensor, tensor) != tensor:
            tensor = parent[tensor]
        return tensor

    for index, node in enumerate(view.nodes):
        if node.op_type in SAME_SCALE and precisions[node.name].precision is Precision.INT8:
            if view.element_type(node.output[0]) != FLOAT:
                continue
            sources = view.data_inputs(index) if node.op_type == "Concat" else view.data_inputs(index)[:1]
            for tensor in sources:
                parent[root(tensor)] = root(node.output[0])
    members: dict[str, list[str]] = {}
    for tensor in edges:
        members.setdefault(root(tensor), []).append(tensor)
    return {tensor: members[root(tensor)] for tensor in edges}


def _check_ranges(edges: Edges, ranges: Mapping[str, float], model: str) -> None:
    missing = [tensor for tensor in edges if tensor not in ranges]
    if missing:
        raise ModelError(
            model,
            f"{len(missing)} of {len(edges)} tensors to quantize have no range, the first: {', '.join(missing[:3])}",
            "calibrate this model, with this plan or with INT8 in more regions",
        )
    for tensor in edges:
        if not (np.isfinite(ranges[tensor]) and ranges[tensor] > 0):
            raise ModelError(
                model,
                f"expected a positive range of {tensor}, got {ranges[tensor]}",
                "calibrate with images that differ, or keep its readers out of INT8",
            )
