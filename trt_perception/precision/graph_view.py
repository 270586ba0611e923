"""A graph as the precision code reads it: who makes and reads a tensor, shapes, element types, constants."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

ANALYSIS_SIDE = 640
"""Stands for an open height or width of an input while regions are looked for; it never reaches the graph."""


class GraphView:
    """Looks at an onnx.ModelProto without changing it; not valid any more once the model changes.

    Every node must have a name of its own, as `clean_graph` gives.

    Args:
        model: The model.
    """

    def __init__(self, model: Any) -> None:
        self.model = model
        self.nodes: list[Any] = list(model.graph.node)
        self.initializers: dict[str, Any] = {tensor.name: tensor for tensor in model.graph.initializer}
        self.inputs: list[str] = [item.name for item in model.graph.input if item.name not in self.initializers]
        self.outputs: list[str] = [item.name for item in model.graph.output]
        self.maker: dict[str, int] = {}
        self.readers: dict[str, list[int]] = {}
        for index, node in enumerate(self.nodes):
            for tensor in node.output:
                if tensor:
                    self.maker[tensor] = index
            for tensor in dict.fromkeys(node.input):
                if tensor:
                    self.readers.setdefault(tensor, []).append(index)

    def constant(self, tensor: str) -> NDArray[Any] | None:
        """The value of an initialiser; None for any other tensor."""
        from onnx import numpy_helper

        weights = self.initializers.get(tensor)
        return None if weights is None else np.asarray(numpy_helper.to_array(weights))

    def data_inputs(self, index: int) -> list[str]:
        """The inputs of a node that are neither constant nor absent."""
        return [tensor for tensor in self.nodes[index].input if tensor and tensor not in self.initializers]

    def before(self, index: int) -> list[int]:
        """The nodes whose outputs a node reads."""
        return [self.maker[tensor] for tensor in self.data_inputs(index) if tensor in self.maker]

    def after(self, index: int) -> list[int]:
        """The nodes that read what a node makes."""
        return [reader for tensor in self.nodes[index].output for reader in self.readers.get(tensor, ())]

    def shape(self, tensor: str) -> tuple[int, ...] | None:
        """Sizes of a tensor, open ones of inputs filled in (batch 1, `ANALYSIS_SIDE`); None where not known."""
        return self._types.get(tensor, (0, None))[1]

    def element_type(self, tensor: str) -> int:
        """TensorProto.DataType of a tensor; 0 where not known."""
        return self._types.get(tensor, (0, None))[0]

    @cached_property
    def _types(self) -> dict[str, tuple[int, tuple[int, ...] | None]]:
        import onnx

        copy = onnx.ModelProto()
        copy.CopyFrom(self.model)
        for value in copy.graph.input:
            for axis, size in enumerate(value.type.tensor_type.shape.dim):
                if not size.dim_value:
                    size.dim_value = 1 if axis < 2 else ANALYSIS_SIDE
        for value in copy.graph.output:  # announced sizes would contradict the filled-in ones
            value.type.tensor_type.ClearField("shape")
        del copy.graph.value_info[:]
        inferred = onnx.shape_inference.infer_shapes(copy, data_prop=True).graph
        types: dict[str, tuple[int, tuple[int, ...] | None]] = {
            tensor.name: (tensor.data_type, tuple(tensor.dims)) for tensor in copy.graph.initializer
        }
        for value in (*inferred.input, *inferred.value_info, *inferred.output):
            tensor = value.type.tensor_type
            types[value.name] = (tensor.elem_type, _sizes(tensor))
        return types


def _sizes(tensor: Any) -> tuple[int, ...] | None:
    if not tensor.HasField("shape"):
        return None
    sizes = tuple(int(size.dim_value) for size in tensor.shape.dim)
    return sizes if all(sizes) else None
