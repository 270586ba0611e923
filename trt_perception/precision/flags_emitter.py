"""The graph for builders with precision flags: TensorRT 8.6.

Q/DQ with FP32 scales, everything else FP32 in the graph; the builder gets the FP16 and INT8 flags, and for the layers
that must not be chosen freely a precision each, to be obeyed (OBEY_PRECISION_CONSTRAINTS).
"""

from __future__ import annotations

from collections.abc import Mapping

from trt_perception.precision.graph_view import GraphView
from trt_perception.precision.graph_writer import FLOAT, GraphWriter
from trt_perception.precision.node_precisions import NodePrecision, is_depthwise
from trt_perception.precision.precision_plan import Precision
from trt_perception.precision.qdq_placement import QdqPlacement

LOWEST_OPSET = 13
"""Scales by channel."""
HIGHEST_OPSET = 17

_ELEMENTWISE = frozenset(
    {"Abs", "Add", "Celu", "Clip", "Div", "Elu", "Erf", "Exp", "Gelu", "HardSigmoid", "HardSwish", "LeakyRelu", "Max"}
    | {"Min", "Mish", "Mul", "Neg", "PRelu", "Pow", "Relu", "Selu", "Sigmoid", "Softplus", "Softsign", "Sqrt", "Sub"}
    | {"Tanh", "ThresholdedRelu"}
)
"""What TensorRT fuses into the layer before it."""


def flags_writer(view: GraphView, placement: QdqPlacement) -> GraphWriter:
    """A writer of the graph; weights stay FP32 behind a QuantizeLinear, as TensorRT 8 expects them."""
    types = {node.name: FLOAT for node in view.nodes}
    return GraphWriter(view, placement, float_types=types, int8_weights=False)


def layer_precisions(
    view: GraphView, precisions: Mapping[str, NodePrecision], placement: QdqPlacement
) -> dict[str, Precision]:
    """The precision of every layer that computes floats in FP16 or FP32, by the node's name.

    Layers of INT8 regions are left to the builder, which follows the quantizers. Not so the activation after a layer
    that was kept out of INT8: the two become one kernel, so what is elementwise is pinned with the layer before it, up
    to the next quantizer.

    A depthwise convolution in FP16 beside INT8 layers is left free with its activation. TensorRT 8.6 makes the two one
    kernel there, has it in FP32 alone, and fails where FP16 is demanded. INT8 it cannot choose without quantizers.
    """
    quantized = {name for item in placement.activations.values() for name, _ in item.readers}
    pinned: dict[str, Precision] = {}
    free: set[str] = set()
    for index, node in enumerate(view.nodes):
        if not any(view.element_type(tensor) == FLOAT for tensor in node.output):
            continue
        planned = precisions[node.name].precision
        follows = node.op_type in _ELEMENTWISE and node.name not in quantized
        before = [view.nodes[maker].name for maker in view.before(index)]
        if planned is Precision.FP16 and quantized and _is_free(view, index, follows, before, free):
            free.add(node.name)
        elif planned is not Precision.INT8:
            pinned[node.name] = planned
        elif follows and any(name in free for name in before):
            free.add(node.name)
        elif follows and any(name in pinned for name in before):
            kinds = [pinned[name] for name in before if name in pinned]
            pinned[node.name] = Precision.FP32 if Precision.FP32 in kinds else Precision.FP16
    return pinned


def _is_free(view: GraphView, index: int, follows: bool, before: list[str], free: set[str]) -> bool:
    if view.nodes[index].op_type == "Conv":
        return is_depthwise(view, index)
    return follows and bool(before) and any(name in free for name in before)
