"""What one node of the graph became in the engine, held against what was planned for it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from enum import IntEnum

from trt_perception.engine.engine_layer import UNKNOWN, EngineLayer, widest
from trt_perception.engine.layer_graph import LayerGraph
from trt_perception.precision.precision_plan import Precision

_WIDER = {Precision.FP16: ("fp32", "tf32"), Precision.INT8: ("fp16", "bf16", "fp32", "tf32")}
_MOVES = frozenset(
    {
        "Concat",
        "Dropout",
        "Expand",
        "Flatten",
        "Identity",
        "Reshape",
        "Slice",
        "Split",
        "Squeeze",
        "Transpose",
        "Unsqueeze",
    }
)
"""Operators that compute nothing: where TensorRT made no layer of one, there is nothing to judge."""
_COMMUTING = _MOVES | {"MaxPool", "Resize"}
"""Operators that TensorRT runs on either side of a quantizer, wherever there is less to move."""
_INDICES = ("int32", "int64", "bool")
_ONE_OPERATION = ("conv", "gemm", "matmul", "matrixmultiply", "matrix_multiply", "fullyconnected")
"""In the types of layers that hold one weighted node and what follows it, not what comes before."""


class Result(IntEnum):
    """The results for one node in one layer, worst last."""

    NOT_CONCERNED = 0
    HONOURED = 1
    WIDER = 2
    UNDETERMINED = 3
    NOT_HONOURED = 4


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What is said of one node.

    Args:
        result: The result.
        text: What was planned and found; empty where honoured.
    """

    result: Result
    text: str = ""


class LayerJudge:
    """Judges the nodes of one graph by one engine.

    Args:
        graph: The engine's layers.
    """

    def __init__(self, graph: LayerGraph) -> None:
        self._graph = graph
        self._quantized = {item.node for item in graph.account.weights}
        self._holders: dict[str, list[EngineLayer]] = defaultdict(list)
        for layer in graph.layers:
            for name in layer.nodes:
                self._holders[name].append(layer)
        self._hidden = [layer.name for layer in graph.layers if layer.is_hidden]

    def verdict(self, name: str, planned: Precision) -> Verdict:
        """Of all layers that hold the node, the worst result.

        Args:
            name: The node.
            planned: What binds it.
        """
        # The copy of a branch tells where it came from; a weighted layer is not what computes there.
        holders = [layer for layer in self._holders[name] if name not in self._quantized or not layer.is_copy]
        verdicts = [self._in_layer(name, planned, layer) for layer in holders]
        if not verdicts and self._op_type(name) in _MOVES:
            return Verdict(result=Result.NOT_CONCERNED)
        if not verdicts:
            maybe = f"; it may lie inside {_shortened(self._hidden[0])}" if self._hidden else ""
            text = f"planned {planned.value}, no layer of the engine names it{maybe}"
            return Verdict(result=Result.UNDETERMINED, text=text)
        return max(verdicts, key=lambda verdict: verdict.result)

    def _in_layer(self, name: str, planned: Precision, layer: EngineLayer) -> Verdict:
        place = f"layer {_shortened(layer.name)!r}"
        if layer.is_hidden:
            return _undetermined(planned, f"it lies inside {place}, whose layers cannot be seen")
        if not layer.inputs and not layer.outputs:
            return _undetermined(planned, f"{place} has no details: build with detailed profiling verbosity")
        if planned is Precision.INT8 and name in self._quantized:
            return _int8(layer, place)
        # A copy computes nothing: it is judged by what it leaves behind.
        found = (widest(layer.outputs) or _INDICES[0]) if layer.is_copy else layer.precision
        if found == UNKNOWN:
            return _undetermined(planned, f"{place} does not say: {_forms(layer)}")
        if found in _INDICES:
            return Verdict(result=Result.NOT_CONCERNED)
        if found == planned.value or (planned is Precision.FP32 and found == "tf32"):
            return Verdict(result=Result.HONOURED)
        if found in _WIDER.get(planned, ()):
            return Verdict(result=Result.WIDER, text=f"planned {planned.value}, computes {found} in {place}")
        if found == "int8" and name not in self._quantized and self._quantized.intersection(layer.nodes):
            return _undetermined(planned, f"it is fused behind the INT8 layer in {place}")
        if found == "int8" and self._graph.account.emitter != "flags" and self._op_type(name) in _COMMUTING:
            return _undetermined(planned, f"TensorRT moved the dequantizer behind it: it passes on int8 in {place}")
        return Verdict(result=Result.NOT_HONOURED, text=f"planned {planned.value}, computes {found} in {place}")

    def _op_type(self, name: str) -> str:
        return self._graph.planned[name].op_type


def _int8(layer: EngineLayer, place: str) -> Verdict:
    """A weighted node that was planned INT8: its data must come as INT8, and its weights where TensorRT tells them."""
    data = layer.inputs[0].precision if layer.inputs else UNKNOWN
    if layer.weights is not None and layer.weights != "int8":
        return Verdict(result=Result.NOT_HONOURED, text=f"planned int8, computes {layer.weights} in {place}")
    if data == "int8":
        return Verdict(result=Result.HONOURED)
    alone = layer.weights is not None or any(word in layer.kind.lower() for word in _ONE_OPERATION)
    if data == UNKNOWN and layer.weights == "int8":
        # TensorRT 8.6 does not tell the form of tensors of open size; it has no kernel of INT8 weights and float data.
        return Verdict(result=Result.HONOURED)
    if data == UNKNOWN:
        return _undetermined(Precision.INT8, f"{place} does not say: {_forms(layer)}")
    if not alone:  # a generated kernel may quantize inside
        return _undetermined(Precision.INT8, f"it is fused into {place}, which reads {data}")
    return Verdict(result=Result.NOT_HONOURED, text=f"planned int8, reads {data} in {place}")


def _undetermined(planned: Precision, why: str) -> Verdict:
    return Verdict(result=Result.UNDETERMINED, text=f"planned {planned.value}, {why}")


def _shortened(name: str) -> str:
    """The end of a long name: what a fused layer computes stands behind its weights."""
    return name if len(name) <= 70 else f"...{name[-67:]}"


def _forms(layer: EngineLayer) -> str:
    return ", ".join(dict.fromkeys(tensor.format for tensor in (*layer.inputs, *layer.outputs) if tensor.format)) or "-"
