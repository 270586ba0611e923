"""Which layer of an engine feeds which, and where each belongs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence

from trt_perception.engine.engine_layer import EngineLayer
from trt_perception.engine.layer_nodes import NodeNames, resolve_nodes
from trt_perception.precision.account import Account, NodeAccount

NO_REGION = "none"
"""For layers that belong to no node of the graph."""
_QUANTIZERS = ("QuantizeLinear", "DequantizeLinear")


class LayerGraph:
    """The layers of an engine with their ONNX nodes, joined by the names of their tensors.

    Args:
        layers: As read from the engine.
        account: What `quantize` gave with the graph.
    """

    def __init__(self, layers: Sequence[EngineLayer], account: Account) -> None:
        self.account = account
        # A graph that came quantized counts its quantizers among its nodes; in an engine they are copies or fused.
        self.planned: Mapping[str, NodeAccount] = {
            node.name: node for node in account.nodes if node.op_type not in _QUANTIZERS
        }
        self.layers = resolve_nodes(layers, self.planned)
        self._names = NodeNames(self.planned)
        self._makers: dict[str, list[int]] = defaultdict(list)
        self._readers: dict[str, list[int]] = defaultdict(list)
        for index, layer in enumerate(self.layers):
            for tensor in layer.outputs:
                self._makers[tensor.name].append(index)
            for tensor in layer.inputs:
                self._readers[tensor.name].append(index)

    def nodes(self, index: int) -> tuple[NodeAccount, ...]:
        """The ONNX nodes in a layer."""
        return tuple(self.planned[name] for name in self.layers[index].nodes)

    def before(self, index: int) -> tuple[int, ...]:
        """Layers that make what this one reads."""
        return self._others(index, (self._makers[tensor.name] for tensor in self.layers[index].inputs))

    def after(self, index: int) -> tuple[int, ...]:
        """Layers that read what this one makes."""
        return self._others(index, (self._readers[tensor.name] for tensor in self.layers[index].outputs))

    def sources(self, index: int) -> tuple[int, ...]:
        """The nearest computing layers before this one, through copies."""
        return self._through_copies(index, self.before)

    def sinks(self, index: int) -> tuple[int, ...]:
        """The nearest computing layers after this one, through copies."""
        return self._through_copies(index, self.after)

    def region(self, index: int) -> str:
        """Of the last node inside; of a copy, that of the layer it serves."""
        nodes = self.nodes(index) or tuple(self.planned[name] for name in self._names.served(self.layers[index]))
        if nodes:
            return nodes[-1].region.value
        near = (*self.sinks(index), *reversed(self.sources(index)))
        return next((self.nodes(other)[-1].region.value for other in near if self.nodes(other)), NO_REGION)

    def _others(self, index: int, found: Iterable[Iterable[int]]) -> tuple[int, ...]:
        return tuple(dict.fromkeys(other for group in found for other in group if other != index))

    def _through_copies(self, index: int, step: Callable[[int], tuple[int, ...]]) -> tuple[int, ...]:
        reached: dict[int, None] = {}
        seen = {index}
        waiting = list(step(index))
        while waiting:
            other = waiting.pop(0)
            if other in seen:
                continue
            seen.add(other)
            if self.layers[other].is_copy:
                waiting.extend(step(other))
            else:
                reached[other] = None
        return tuple(reached)
