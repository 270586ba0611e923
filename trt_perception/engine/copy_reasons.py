"""Why an engine converts or copies a tensor: one reason for each reformat, quantizer and branch copy."""

from __future__ import annotations

from collections.abc import Iterator

from trt_perception.engine.engine_layer import UNKNOWN, widest
from trt_perception.engine.layer_graph import LayerGraph
from trt_perception.precision.account import NodeAccount
from trt_perception.precision.precision_plan import Precision

UNTOLD = "TensorRT does not tell its forms"
"""Begins the reason of a copy of which it is not known what it converts: 8.6 is silent about tensors of open size."""


class CopyReasons:
    """Explains the copies of one engine by its plan.

    Args:
        graph: The engine's layers.
    """

    def __init__(self, graph: LayerGraph) -> None:
        self._graph = graph

    def reason(self, index: int) -> str:
        """Why a copy is there; empty where its neighbours lie inside the INT8 regions and nothing tells."""
        layer = self._graph.layers[index]
        if layer.kind == "NoOp":
            return "costs nothing: the bytes already lie as the next layer reads them"
        change = self.change(index)
        if not self._graph.before(index):
            return f"the model's input comes in another form: {change}"
        if not self._graph.after(index):
            return f"the model's output leaves in another form: {change}"
        if layer.origin == "CONCAT":
            return f"a branch copied to its place in a Concat: {change}"
        if UNKNOWN in (widest(layer.inputs), widest(layer.outputs)):
            why = next(self._why_floating(index), "")
            return f"{UNTOLD}; {why}" if why else UNTOLD
        if widest(layer.inputs) == widest(layer.outputs):
            return f"another layout, no other precision: {change}"
        why = next(self._why_floating(index), "")
        return f"{change}: {why}" if why else ""

    def change(self, index: int) -> str:
        """From what to what."""
        layer = self._graph.layers[index]
        before, after = widest(layer.inputs) or "?", widest(layer.outputs) or "?"
        if before != after:
            return f"{before} to {after}"
        forms = [tensor.format for tensor in (*layer.inputs[:1], *layer.outputs[:1])]
        return f"{before}, {' to '.join(dict.fromkeys(forms))}"

    def _why_floating(self, index: int) -> Iterator[str]:
        """Reasons for floats on either side, nearest first: readers, then makers, then who else reads the same."""
        for other in (*self._graph.sinks(index), *self._graph.sources(index)):
            yield from self._kept(other)
        for other in (*self._graph.sinks(index), *self._graph.sources(index)):
            for reader in self._graph.sinks(other):
                for node in self._graph.nodes(reader):
                    if not self._in_int8_region(node):
                        made = _named(self._graph.layers[other].nodes)
                        yield f"what {made} makes is also read by `{node.name}` in the {self._place(node)}"

    def _kept(self, index: int) -> Iterator[str]:
        account = self._graph.account
        nodes = self._graph.nodes(index)
        for node in nodes:
            if not self._in_int8_region(node):
                yield f"`{node.name}` lies in the {self._place(node)}"
            elif node.reason:
                yield f"`{node.name}` is kept in {node.precision.value}, {node.reason}"
            elif node.name in account.left_out:
                yield f"`{node.name}` is left out of INT8, {account.left_out[node.name]}"
        if nodes and not any(node.precision is Precision.INT8 for node in nodes):
            yield f"{_named(tuple(node.name for node in nodes))} has no quantizer and computes in floats"

    def _in_int8_region(self, node: NodeAccount) -> bool:
        return self._graph.account.plan.precision(node.region) is Precision.INT8

    def _place(self, node: NodeAccount) -> str:
        return f"{node.region.value}, planned {self._graph.account.plan.precision(node.region).value}"


def _named(nodes: tuple[str, ...]) -> str:
    return " + ".join(f"`{name}`" for name in nodes)
