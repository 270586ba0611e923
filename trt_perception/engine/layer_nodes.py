"""Which ONNX nodes lie in which engine layer: listed by TensorRT, or read from the layer's name."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Sequence

from trt_perception.engine.engine_layer import EngineLayer

_PLACE = re.compile(r"Reformatting CopyNode for (?:Input|Output) Tensor \d+ (?:to|from) ")
_MADE_UP = re.compile(r"\(Unnamed Layer\* \d+\) \[[^\]]*\]")
_SUFFIX = r"(?:_clone_\d+|_copy_output|_copy_input| copy|_myl\d+(?:_\d+)?|_\d+_myl\d+)*"
_BEFORE = r"(?<![^\s+|,;()\[\]{}])"
_AFTER = r"(?![^\s+|,;()\[\]{}])"


def resolve_nodes(layers: Sequence[EngineLayer], known: Iterable[str]) -> tuple[EngineLayer, ...]:
    """The same layers with their ONNX nodes: of those that TensorRT lists the known ones, else those in the name.

    A layer that only converts a tensor for another holds no node, though its name tells that of the other.

    Args:
        layers: As read from the engine.
        known: Names of the graph's nodes.
    """
    names = NodeNames(known)
    return tuple(dataclasses.replace(layer, nodes=names.inside(layer)) for layer in layers)


class NodeNames:
    """The names of a graph's nodes, found again in the names of layers.

    Args:
        known: The names.
    """

    def __init__(self, known: Iterable[str]) -> None:
        self._known = frozenset(known)
        longest_first = sorted((name for name in self._known if name), key=lambda name: (-len(name), name))
        # One pattern, longest names first: a name may hold " + " or another name, so layer names are not split.
        alternatives = "|".join(map(re.escape, longest_first))
        self._pattern = re.compile(f"{_BEFORE}({alternatives}){_SUFFIX}{_AFTER}") if alternatives else None

    def inside(self, layer: EngineLayer) -> tuple[str, ...]:
        """The known nodes that a layer holds."""
        if layer.is_conversion:  # TensorRT may list whom it serves
            return ()
        listed = tuple(name for name in layer.nodes if name in self._known)
        return listed if listed or layer.origin else self.in_text(layer.name)

    def served(self, layer: EngineLayer) -> tuple[str, ...]:
        """The known nodes of the layer for which a reformat converts its tensor."""
        return self.in_text(_PLACE.sub("", layer.name)) if _PLACE.match(layer.name) else ()

    def in_text(self, text: str) -> tuple[str, ...]:
        """The known names in a layer's name, in order; ``{ForeignNode[first...last]}`` tells two of many."""
        if self._pattern is None:
            return ()
        text = _MADE_UP.sub(" ", text).replace("...", " ") if "ForeignNode[" in text else _MADE_UP.sub(" ", text)
        return tuple(dict.fromkeys(self._pattern.findall(text)))
