"""The resolution of every tensor of a convolutional graph, and what follows from it."""

from __future__ import annotations

from functools import cached_property

from trt_perception.precision.graph_view import GraphView

Size = tuple[int, int]

WEIGHTED = frozenset({"Conv", "ConvTranspose", "Gemm", "MatMul", "ConvInteger", "QLinearConv"})
"""Operators with trained weights: they count the depth of a branch."""

_LAYOUT = frozenset({"Reshape", "Transpose", "Flatten", "Squeeze", "Unsqueeze", "DepthToSpace", "SpaceToDepth"})
"""After these the last two axes need not be height and width any more."""


class ScaleLevels:
    """Height and width of every node's feature map, found by shapes.

    Args:
        view: The graph.
    """

    def __init__(self, view: GraphView) -> None:
        self._view = view

    @cached_property
    def sizes(self) -> list[Size | None]:
        """(height, width) of every node's feature map; None for lists of cells, vectors and everything not spatial."""
        view = self._view
        of_tensor: dict[str, Size] = {}
        for name in view.inputs:
            shape = view.shape(name)
            if shape is not None and len(shape) == 4:
                of_tensor[name] = (shape[2], shape[3])
        known = set(of_tensor.values())
        result: list[Size | None] = []
        for index, node in enumerate(view.nodes):
            shape = view.shape(node.output[0])
            size = (shape[2], shape[3]) if shape is not None and len(shape) == 4 else None
            spatial = any(tensor in of_tensor for tensor in view.data_inputs(index))
            # Attention blocks flatten a feature map and give it back its size; a head's lists never have one.
            if size is not None and (not spatial or node.op_type in _LAYOUT):
                size = size if size in known else None
            result.append(size)
            if size is not None:
                known.add(size)
                of_tensor.update(dict.fromkeys(node.output, size))
        return result

    @cached_property
    def outputs_reached(self) -> list[frozenset[str]]:
        """The outputs of the model that depend on each node."""
        view = self._view
        names = frozenset(view.outputs)
        result: list[frozenset[str]] = [frozenset()] * len(view.nodes)
        for index in reversed(range(len(view.nodes))):
            reached = names.intersection(view.nodes[index].output)
            result[index] = reached.union(*(result[reader] for reader in view.after(index)))
        return result

    @cached_property
    def later_sizes(self) -> list[frozenset[Size]]:
        """The sizes of all feature maps that depend on each node's, without its own node."""
        result: list[frozenset[Size]] = [frozenset()] * len(self.sizes)
        for index in reversed(range(len(self.sizes))):
            later: set[Size] = set()
            for reader in self._view.after(index):
                later |= result[reader]
                size = self.sizes[reader]
                if size is not None:
                    later.add(size)
            result[index] = frozenset(later)
        return result

    @cached_property
    def depth_after(self) -> list[int]:
        """The most weighted nodes on a way from each node to an output, itself not counted."""
        view = self._view
        result = [0] * len(view.nodes)
        for index in reversed(range(len(view.nodes))):
            result[index] = max(
                (result[reader] + (view.nodes[reader].op_type in WEIGHTED) for reader in view.after(index)), default=0
            )
        return result

    @cached_property
    def enlarges(self) -> list[bool]:
        """Whether each node makes a feature map larger than the one it reads: an upsampling of whatever kind."""
        return [self._compare(index, larger=True) for index in range(len(self.sizes))]

    @cached_property
    def shrinks(self) -> list[bool]:
        """Whether each node makes a feature map smaller than the one it reads."""
        return [self._compare(index, larger=False) for index in range(len(self.sizes))]

    @cached_property
    def below_enlarging(self) -> list[bool]:
        """Whether each node is an upsampling or depends on one."""
        result = list(self.enlarges)
        for index in range(len(result)):
            result[index] = result[index] or any(result[maker] for maker in self._view.before(index))
        return result

    def last_sizes(self, output: str) -> frozenset[Size]:
        """The sizes of the feature maps that an output is read from: one for each level of a detection head."""
        view = self._view
        found: set[Size] = set()
        seen: set[int] = set()
        waiting = [view.maker[output]] if output in view.maker else []
        while waiting:
            index = waiting.pop()
            if index in seen:
                continue
            seen.add(index)
            size = self.sizes[index]
            if size is None:
                waiting.extend(view.before(index))
            else:
                found.add(size)
        return frozenset(found)

    def _compare(self, index: int, *, larger: bool) -> bool:
        size = self.sizes[index]
        if size is None:
            return False
        shapes = [self._view.shape(tensor) for tensor in self._view.data_inputs(index)]
        sources = [self.sizes[maker] for maker in self._view.before(index)]
        sources += [
            (shape[2], shape[3])
            for tensor, shape in zip(self._view.data_inputs(index), shapes, strict=True)
            if tensor not in self._view.maker and shape is not None and len(shape) == 4
        ]
        areas = [source[0] * source[1] for source in sources if source is not None]
        if not areas:
            return False
        area = size[0] * size[1]
        return area > max(areas) if larger else area < min(areas)
