"""Writes quantizers and casts into a copy of a graph."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trt_perception.precision.graph_view import GraphView
from trt_perception.precision.precision_plan import Precision
from trt_perception.precision.qdq_placement import QdqPlacement, QuantizedWeights

FLOAT, INT8, FLOAT16 = 1, 3, 10  # onnx.TensorProto
_NUMPY = {FLOAT: np.float32, FLOAT16: np.float16}
WORDS = {FLOAT: Precision.FP32, FLOAT16: Precision.FP16, INT8: Precision.INT8}

_FLOAT_INPUTS = {"Resize": 1, "Upsample": 1}
"""Operators whose further inputs (scales) are FP32 whatever they compute in: the number of inputs that follow it."""


@dataclass(frozen=True, kw_only=True)
class WrittenCast:
    """A Cast that was added.

    Args:
        tensor: What it converts.
        to: To which type.
        readers: Nodes that read the result; empty for an output of the model.
    """

    tensor: str
    to: Precision
    readers: tuple[str, ...]


class GraphWriter:
    """One use: `write`, then read `casts` and `tensor_types`.

    Args:
        view: The cleaned graph, all floats FP32.
        placement: The quantizers.
        float_types: For every node FLOAT or FLOAT16 (TensorProto), what its floating tensors become.
        int8_weights: Whether weights are stored as INT8 (else as FP32 behind a QuantizeLinear).
    """

    def __init__(
        self, view: GraphView, placement: QdqPlacement, *, float_types: Mapping[str, int], int8_weights: bool
    ) -> None:
        self._view = view
        self._placement = placement
        self._float_types = float_types
        self._int8_weights = int8_weights
        self._nodes: list[Any] = []
        self._constants: dict[str, Any] = {}
        self._made: dict[tuple[str, str], str] = {}
        self._names = {*view.maker, *view.initializers, *view.inputs}
        self._cast_readers: dict[tuple[str, int], list[str]] = {}
        self._quantized_inputs = {
            reader: tensor
            for tensor, item in placement.activations.items()
            for reader in (*item.readers, *item.float_readers)
        }
        self.tensor_types: dict[str, int] = {}
        """TensorProto type of every floating tensor and of every quantized one, by name in the written graph."""

    def write(self) -> Any:
        """The new onnx.ModelProto."""
        import onnx

        view = self._view
        for name in view.inputs:
            self.tensor_types[name] = view.element_type(name)
        for node in view.nodes:
            copy = onnx.NodeProto()
            copy.CopyFrom(node)
            copy.input[:] = [self._input(node, number, tensor) for number, tensor in enumerate(node.input)]
            self._nodes.append(copy)
            self._outputs(copy)
        model = onnx.ModelProto()
        model.CopyFrom(view.model)
        del model.graph.node[:]
        model.graph.node.extend(self._nodes)
        used = {tensor for node in self._nodes for tensor in node.input} | set(view.outputs)
        constants = {**view.initializers, **self._constants}
        del model.graph.initializer[:]
        model.graph.initializer.extend(constants[name] for name in constants if name in used or self._in_branch(name))
        return model

    @property
    def casts(self) -> tuple[WrittenCast, ...]:
        """The casts, in graph order."""
        return tuple(
            WrittenCast(tensor=tensor, to=WORDS[to], readers=tuple(dict.fromkeys(readers)))
            for (tensor, to), readers in self._cast_readers.items()
        )

    def _in_branch(self, name: str) -> bool:
        """Whether a constant may be read inside If, Loop or Scan: no node of the main graph reads it."""
        return name in self._view.initializers and name not in self._view.readers

    def _input(self, node: Any, number: int, tensor: str) -> str:
        if not tensor:
            return tensor
        wanted = self._float_types[node.name]
        if (node.name, number) in self._quantized_inputs:
            return self._dequantized(tensor, wanted)
        weights = self._placement.weights.get(node.name)
        if weights is not None and number == 1:
            return self._dequantized_weights(weights, wanted)
        if self._view.element_type(tensor) != FLOAT or number >= _FLOAT_INPUTS.get(node.op_type, len(node.input)):
            return tensor
        if tensor in self._view.initializers:
            return tensor if wanted == FLOAT else self._half(tensor)
        return self._cast(tensor, wanted, node.name) if self._type(tensor) != wanted else self._name(tensor)

    def _outputs(self, node: Any) -> None:
        """Note the types of what a node makes; an output of the model stays FP32, through a Cast."""
        kind = self._float_types[node.name]
        for number, tensor in enumerate(node.output):
            if not tensor or self._view.element_type(tensor) != FLOAT:
                continue
            if kind == FLOAT16 and tensor in self._view.outputs:
                inner = node.output[number] = self._new(f"{tensor}_fp16")
                self._made["name", tensor] = inner
                self._append("Cast", [inner], tensor, to=FLOAT)
                self._cast_readers[tensor, FLOAT] = []
                self.tensor_types[inner], self.tensor_types[tensor] = FLOAT16, FLOAT
            else:
                self.tensor_types[tensor] = kind

    def _name(self, tensor: str) -> str:
        return self._made.get(("name", tensor), tensor)

    def _type(self, tensor: str) -> int:
        return self.tensor_types[self._name(tensor)]

    def _cast(self, tensor: str, to: int, reader: str) -> str:
        self._cast_readers.setdefault((tensor, to), []).append(reader)
        return self._once(
            f"cast_{to}", tensor, f"{tensor}_{WORDS[to].value}", "Cast", lambda: [self._name(tensor)], kind=to, to=to
        )

    def _dequantized(self, tensor: str, to: int) -> str:
        scale = np.array(self._placement.activations[tensor].scale)
        source_type = self._type(tensor)
        integers = self._once(
            "quantized",
            tensor,
            f"{tensor}_int8",
            "QuantizeLinear",
            lambda: [self._name(tensor), self._scale(f"{tensor}_scale", scale, source_type), self._zero(())],
            kind=INT8,
        )
        return self._once(
            f"dequantized_{to}",
            tensor,
            f"{tensor}_dequantized",
            "DequantizeLinear",
            lambda: [integers, self._scale(f"{tensor}_scale", scale, to), self._zero(())],
            kind=to,
        )

    def _dequantized_weights(self, weights: QuantizedWeights, to: int) -> str:
        # Weights that two nodes share may have another axis or type in each: the key is the node.
        source = self._new(f"{weights.node}_weight_int8")
        zero = self._zero(weights.scales.shape)
        scale = self._scale(f"{weights.node}_weight_scale", weights.scales, to)
        if self._int8_weights:
            integers = self._constant(source, weights.values)
        else:
            integers = self._append(
                "QuantizeLinear", [weights.tensor, scale, zero], self._new(source), axis=weights.axis
            )
        name = self._new(f"{weights.node}_weight_dequantized")
        return self._append("DequantizeLinear", [integers, scale, zero], name, axis=weights.axis)

    def _once(
        self,
        what: str,
        tensor: str,
        name: str,
        op_type: str,
        inputs: Callable[[], list[str]],
        *,
        kind: int,
        **attributes: Any,
    ) -> str:
        """Add a node for a tensor unless it is there; returns its output's name."""
        key = (what, tensor)
        if key not in self._made:
            sources = inputs()
            self._made[key] = self._append(op_type, sources, self._new(name), **attributes)
            self.tensor_types[self._made[key]] = kind
        return self._made[key]

    def _append(self, op_type: str, inputs: list[str], output: str, **attributes: Any) -> str:
        from onnx import helper

        self._nodes.append(helper.make_node(op_type, inputs, [output], name=f"{op_type}_{output}", **attributes))
        return output

    def _half(self, tensor: str) -> str:
        value = self._view.constant(tensor)
        name = self._made.get(("half", tensor))
        if name is None:
            name = self._made["half", tensor] = self._constant(
                self._new(f"{tensor}_fp16"), np.asarray(value).astype(np.float16)
            )
        return name

    def _scale(self, name: str, value: NDArray[np.float64], kind: int) -> str:
        name = name if kind == FLOAT else f"{name}_fp16"
        return name if name in self._constants else self._constant(name, value.astype(_NUMPY[kind]))

    def _zero(self, shape: tuple[int, ...]) -> str:
        name = "zero_point" if shape == () else f"zero_points_{shape[0]}"
        return name if name in self._constants else self._constant(name, np.zeros(shape, np.int8))

    def _constant(self, name: str, value: NDArray[Any]) -> str:
        from onnx import numpy_helper

        self._constants[name] = numpy_helper.from_array(np.ascontiguousarray(value).reshape(value.shape), name)
        self._names.add(name)
        return name

    def _new(self, name: str) -> str:
        """`name`, with a number behind it where a tensor is called so already."""
        unique, number = name, 1
        while unique in self._names:
            number += 1
            unique = f"{name}_{number}"
        self._names.add(unique)
        return unique
