"""Which tensors of a graph need a range, and the part of a graph that makes some tensors."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

READERS = frozenset(
    {
        "Conv",
        "ConvTranspose",
        "Gemm",
        "MatMul",
        "Add",
        "Concat",
        "MaxPool",
        "AveragePool",
        "GlobalAveragePool",
        "Resize",
    }
)
"""Operators whose inputs are quantised, or whose inputs and outputs share a scale with what is."""


def activation_tensors(model: Any) -> tuple[str, ...]:
    """Tensors that depend on the model's inputs and that an operator of `READERS` reads, in the graph's order.

    Args:
        model: onnx.ModelProto.
    """
    weights = _weight_names(model.graph)
    live = {value.name for value in model.graph.input} - weights
    found: dict[str, None] = {}
    for node in model.graph.node:
        read = live.intersection(_read(node))
        if node.op_type in READERS:
            found.update((name, None) for name in node.input if name in read)
        if read:
            live.update(name for name in node.output if name)
    return tuple(found)


def part_that_makes(model: Any, tensors: Iterable[str]) -> Any:
    """The model cut down to what `tensors` need, with these as its outputs; nothing announces their types.

    Args:
        model: onnx.ModelProto with its weights; left as it is.
        tensors: Names of tensors of the main graph that are not inputs of the model.

    Returns:
        onnx.ModelProto.
    """
    graph = model.graph
    wanted = tuple(tensors)
    needed = set(wanted)
    nodes = []
    for node in reversed(graph.node):
        if needed.intersection(node.output):
            nodes.append(node)
            needed.update(_read(node))
    part = type(model)()
    part.ir_version = model.ir_version
    part.opset_import.extend(model.opset_import)
    part.functions.extend(model.functions)
    part.graph.name = graph.name
    part.graph.node.extend(reversed(nodes))
    part.graph.initializer.extend(tensor for tensor in graph.initializer if tensor.name in needed)
    part.graph.sparse_initializer.extend(tensor for tensor in graph.sparse_initializer if tensor.values.name in needed)
    part.graph.input.extend(value for value in graph.input if value.name in needed)
    for name in wanted:
        part.graph.output.add().name = name
    return part


def _weight_names(graph: Any) -> set[str]:
    return {tensor.name for tensor in graph.initializer} | {item.values.name for item in graph.sparse_initializer}


def _read(node: Any) -> Iterator[str]:
    """Every tensor that a node reads, those that its inner graphs take from outside included."""
    yield from node.input
    for attribute in node.attribute:
        for inner in (*attribute.graphs, *([attribute.g] if attribute.HasField("g") else [])):
            for inner_node in inner.node:
                yield from _read(inner_node)
            yield from (value.name for value in inner.output)
