"""How data flows through a quantized graph, drawn small: inputs, parts, outputs, and what stands between them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from trt_perception.precision.account import Account
from trt_perception.precision.graph_view import GraphView
from trt_perception.precision.precision_plan import Precision, Region

INPUT, OUTPUT = "input", "output"
_QUANTIZERS = ("QuantizeLinear", "DequantizeLinear")


@dataclass(frozen=True, kw_only=True)
class FlowPart:
    """One box of the drawing.

    Args:
        name: `backbone`, `neck`, `head`, `head detections` where the heads of several outputs are parts of their own,
            or the name of an input or output.
        kind: A region's name, `input` or `output`.
        nodes: Nodes of the graph by planned precision; empty for inputs and outputs.
    """

    name: str
    kind: str
    nodes: Mapping[Precision, int]


@dataclass(frozen=True, kw_only=True)
class FlowEdge:
    """What goes from one part to another.

    Args:
        source: Name of the part that makes the tensors.
        target: Name of the part that reads them.
        tensors: How many tensors.
        converters: Inserted nodes on the way by kind, `Q/DQ` or `Cast`: on how many of the tensors.
    """

    source: str
    target: str
    tensors: int
    converters: Mapping[str, int]


@dataclass(frozen=True, kw_only=True)
class RegionFlow:
    """The parts in the order of the data, and the edges between them."""

    parts: tuple[FlowPart, ...]
    edges: tuple[FlowEdge, ...]


def region_flow(model: Any, account: Account) -> RegionFlow:
    """The flow of a graph that `quantize` wrote.

    Args:
        model: The graph, onnx.ModelProto.
        account: What `quantize` gave with it.
    """
    view = GraphView(model)
    planned = {node.name: node for node in account.nodes}
    heads = _heads(view, {name for name, node in planned.items() if node.region is Region.HEAD})
    part_of = {name: heads.get(name, node.region.value) for name, node in planned.items()}
    counts: dict[str, Counter[Precision]] = {}
    for name, node in planned.items():
        counts.setdefault(part_of[name], Counter())[node.precision] += 1
    parts = [
        *(FlowPart(name=name, kind=INPUT, nodes={}) for name in view.inputs),
        *(FlowPart(name=name, kind=name.partition(" ")[0], nodes=dict(counts[name])) for name in _ordered(counts)),
        *(FlowPart(name=name, kind=OUTPUT, nodes={}) for name in view.outputs),
    ]
    return RegionFlow(parts=tuple(parts), edges=tuple(_edges(view, part_of)))


def _ordered(counts: Mapping[str, Any]) -> list[str]:
    order = [region.value for region in Region]
    return sorted(counts, key=lambda name: (order.index(name.partition(" ")[0]), name))


def _heads(view: GraphView, head: set[str]) -> dict[str, str]:
    """Part by node of the head region: that of one output, or `head` where several outputs, or all, hang below it."""
    if len(view.outputs) < 2:
        return {}
    reached: dict[int, set[str]] = {}
    for output in view.outputs:
        waiting = [view.maker[output]] if output in view.maker else []
        while waiting:
            index = waiting.pop()
            if output not in reached.setdefault(index, set()):
                reached[index].add(output)
                waiting += view.before(index)
    return {
        view.nodes[index].name: f"head {next(iter(outputs))}"
        for index, outputs in reached.items()
        if len(outputs) == 1 and view.nodes[index].name in head
    }


def _edges(view: GraphView, part_of: Mapping[str, str]) -> Iterator[FlowEdge]:
    """From part to part: tensors of the model itself, with what was inserted on their way."""
    found: dict[tuple[str, str], dict[str, set[str]]] = {}
    makers = [(name, name) for name in view.inputs]
    makers += [(tensor, part_of[node.name]) for node in view.nodes if node.name in part_of for tensor in node.output]
    for tensor, source in makers:
        for target, kinds in _targets(view, part_of, tensor):
            if source != target:
                found.setdefault((source, target), {}).setdefault(tensor, set()).update(kinds)
    for (source, target), tensors in found.items():
        counts = Counter(kind for kinds in tensors.values() for kind in kinds)
        yield FlowEdge(source=source, target=target, tensors=len(tensors), converters=dict(counts))


def _targets(view: GraphView, part_of: Mapping[str, str], tensor: str) -> Iterator[tuple[str, frozenset[str]]]:
    """The parts that read a tensor, and the converters on the way there."""
    waiting: list[tuple[str, frozenset[str]]] = [(tensor, frozenset())]
    while waiting:
        name, kinds = waiting.pop()
        if name in view.outputs:
            yield name, kinds
        for index in view.readers.get(name, ()):
            node = view.nodes[index]
            if node.name in part_of:
                yield part_of[node.name], kinds
            else:
                kind = "Q/DQ" if node.op_type in _QUANTIZERS else node.op_type
                waiting += [(made, kinds | {kind}) for made in node.output if made]
