"""The graph for builders with precision flags: TensorRT 8.6.

Q/DQ with FP32 scales, everything else FP32 in the graph; the builder gets the FP16 and INT8 flags, and for the layers
that must not be chosen freely a precision each, to be obeyed (OBEY_PRECISION_CONSTRAINTS).
"""

from __future__ import annotations

from collections.abc import Mapping

from trt_perception.precision.graph_view import GraphView
from trt_perception.precision.graph_writer import FLOAT, GraphWriter
from trt_perception.precision.node_precisions import NodePrecision
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
    that was kept out of INT8: the two become one kernel. Left free, that kernel would have to give INT8 for the next
    quantizer while it computes in FP16, and TensorRT 8.6 has none such. So what is elementwise is pinned with the layer
    before it, up to the next quantizer.
    """
    quantized = {name for item in placement.activations.values() for name, _ in item.readers}
    pinned: dict[str, Precision] = {}
    for index, node in enumerate(view.nodes):
        if not any(view.element_type(tensor) == FLOAT for tensor in node.output):
            continue
        planned = precisions[node.name].precision
        if planned is not Precision.INT8:
            pinned[node.name] = planned
        elif node.op_type in _ELEMENTWISE and node.name not in quantized:
            before = [pinned[name] for maker in view.before(index) if (name := view.nodes[maker].name) in pinned]
            if before:
                pinned[node.name] = Precision.FP32 if Precision.FP32 in before else Precision.FP16
    return pinned
