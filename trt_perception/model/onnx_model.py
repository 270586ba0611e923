"""What one ONNX file holds, as plain values: no weights, and nothing of the onnx package."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from trt_perception.model.tensor_info import TensorInfo


@dataclass(frozen=True, kw_only=True)
class OnnxNode:
    """One node of the graph.

    Args:
        op_type: Operator, e.g. `Conv`.
        inputs: Names of the tensors it reads, in the operator's order; empty text: not given.
        outputs: Names of the tensors it makes.
        axis: The attribute of that name; None where it is not written, and then the operator's default holds.
    """

    op_type: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    axis: int | None = None


@dataclass(frozen=True, kw_only=True)
class OnnxModel:
    """One ONNX file.

    Args:
        path: Where it lies, absolute.
        producer: Program that wrote it, with its version where given.
        ir_version: Version of the file format.
        opsets: Version of each operator set by domain; `ai.onnx` is the standard one.
        metadata: metadata_props, as written by the exporter.
        inputs: What a caller gives; with the shapes that were asked for, where they were.
        outputs: What it returns, with inferred sizes where the file leaves them open.
        nodes: The main graph's nodes, in order.
        value_shapes: Shapes of the tensors between the nodes, as far as known.
        weights: Bytes of the weights by element type, external ones included.
        parameters: Number of weights.
        external_files: Files beside the model that hold weights, as the model names them.
    """

    path: Path
    producer: str = ""
    ir_version: int = 0
    opsets: Mapping[str, int] = field(default_factory=dict)
    metadata: Mapping[str, str] = field(default_factory=dict)
    inputs: tuple[TensorInfo, ...]
    outputs: tuple[TensorInfo, ...]
    nodes: tuple[OnnxNode, ...] = field(default=(), repr=False)
    value_shapes: Mapping[str, tuple[int | str, ...]] = field(default_factory=dict, repr=False)
    weights: Mapping[str, int] = field(default_factory=dict)
    parameters: int = 0
    external_files: tuple[str, ...] = ()

    @cached_property
    def _makers(self) -> dict[str, OnnxNode]:
        return {name: node for node in self.nodes for name in node.outputs if name}

    def maker(self, tensor: str) -> OnnxNode | None:
        """The node that makes a tensor; None for inputs and weights."""
        return self._makers.get(tensor)

    def operators_behind(self, output: str, *, until: frozenset[str]) -> frozenset[str]:
        """Operators met on the way back from an output, up to and without those in `until`."""
        met: set[str] = set()
        seen: set[str] = set()
        waiting = [output]
        while waiting:
            tensor = waiting.pop()
            node = self.maker(tensor)
            if tensor in seen or node is None or node.op_type in until:
                continue
            seen.add(tensor)
            met.add(node.op_type)
            waiting.extend(node.inputs)
        return frozenset(met)

    def operators_after(self, tensor: str, *, until: frozenset[str]) -> tuple[str, ...]:
        """Operators met on the way from an input, up to and without those in `until`, in graph order."""
        reached = {tensor}
        met: list[str] = []
        for node in self.nodes:
            if reached.isdisjoint(node.inputs) or node.op_type in until:
                continue
            met.append(node.op_type)
            reached.update(node.outputs)
        return tuple(dict.fromkeys(met))
