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


def flags_writer(view: GraphView, placement: QdqPlacement) -> GraphWriter:
    """A writer of the graph; weights stay FP32 behind a QuantizeLinear, as TensorRT 8 expects them."""
    types = {node.name: FLOAT for node in view.nodes}
    return GraphWriter(view, placement, float_types=types, int8_weights=False)


def layer_precisions(view: GraphView, precisions: Mapping[str, NodePrecision]) -> dict[str, Precision]:
    """The precision of every layer that computes floats in FP16 or FP32, by the node's name.

    Layers of INT8 regions are left to the builder, which follows the quantizers.
    """
    return {
        node.name: precisions[node.name].precision
        for node in view.nodes
        if precisions[node.name].precision is not Precision.INT8
        and any(view.element_type(tensor) == FLOAT for tensor in node.output)
    }
