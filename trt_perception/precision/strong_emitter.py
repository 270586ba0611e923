"""The graph for strongly typed networks: TensorRT 10.x, 11 and TensorRT-RTX.

Every type stands in the graph. Scales are FP16, which opset 19 brought; with FP32 ones what lies between two INT8
layers would compute in FP32. Inputs and outputs of the model stay FP32.
"""

from __future__ import annotations

from collections.abc import Mapping

from trt_perception.precision.graph_view import GraphView
from trt_perception.precision.graph_writer import FLOAT, FLOAT16, GraphWriter
from trt_perception.precision.node_precisions import NodePrecision
from trt_perception.precision.precision_plan import Precision
from trt_perception.precision.qdq_placement import QdqPlacement

LOWEST_OPSET = 19


def strong_writer(view: GraphView, precisions: Mapping[str, NodePrecision], placement: QdqPlacement) -> GraphWriter:
    """A writer of the strongly typed graph; INT8 regions compute in FP16 between their quantized layers."""
    types = {name: FLOAT if item.precision is Precision.FP32 else FLOAT16 for name, item in precisions.items()}
    return GraphWriter(view, placement, float_types=types, int8_weights=True)
