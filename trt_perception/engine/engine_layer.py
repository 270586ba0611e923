"""One layer of a built engine, as TensorRT's inspector describes it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

UNKNOWN = "unknown"
"""What TensorRT does not say, or says in words that are not known here."""

_FLOATS = ("fp32", "tf32", "bf16", "fp16", "fp8", "int8", "fp4", "int4")
"""Precisions that a layer can compute in, widest first; integers and booleans beside them are indices and shapes."""
_CONVERTERS = frozenset({"Reformat", "Quantize", "Dequantize", "QuantizeLinear", "DequantizeLinear"})
_CONVERSION = re.compile(r"Reformatting CopyNode .*|(?:Quantize|Dequantize)Linear\S*", re.DOTALL)


@dataclass(frozen=True, kw_only=True)
class EngineTensor:
    """A tensor between two layers.

    Args:
        name: Its name; that of the ONNX where TensorRT kept it.
        shape: Its dimensions; -1 where they depend on the input.
        precision: int8, fp16, fp32, int32, ..., or `unknown`.
        format: TensorRT's own words for type and layout.
    """

    name: str
    shape: tuple[int, ...]
    precision: str
    format: str


@dataclass(frozen=True, kw_only=True)
class EngineLayer:
    """A layer: often several ONNX nodes in one kernel.

    Args:
        name: TensorRT's name, made of those of the nodes inside.
        kind: TensorRT's layer type, e.g. CaskConvolution; empty where the engine keeps names only.
        nodes: ONNX nodes inside, as far as TensorRT lists them; `resolve_nodes` reads the rest from the name.
        inputs: What it reads.
        outputs: What it writes.
        weights: Precision of its weights; None where it has none or TensorRT does not say.
        tactic: Name of the kernel; empty where TensorRT does not say.
        origin: Why TensorRT added it: REFORMAT, QDQ or CONCAT; empty for layers of the network.
    """

    name: str
    kind: str = ""
    nodes: tuple[str, ...] = ()
    inputs: tuple[EngineTensor, ...] = ()
    outputs: tuple[EngineTensor, ...] = ()
    weights: str | None = None
    tactic: str = ""
    origin: str = ""

    @property
    def is_hidden(self) -> bool:
        """Whether it holds a part of the network whose layers cannot be seen."""
        return self.kind == "Myelin" or "ForeignNode[" in self.name

    @property
    def is_conversion(self) -> bool:
        """Whether it only brings a tensor into the form that another layer wants, and is no node of the graph."""
        added = self.origin in ("REFORMAT", "QDQ") or (self.kind in _CONVERTERS and self.origin == "")
        return added or _CONVERSION.fullmatch(self.name) is not None

    @property
    def is_copy(self) -> bool:
        """Whether it only moves or converts: a reformat, a quantizer, the copy of a branch."""
        return self.is_conversion or self.origin != "" or (self.kind == "NoOp" and not self.nodes)

    @property
    def precision(self) -> str:
        """What it computes in: that of its weights, else the widest of its inputs; `unknown` where that is hidden.

        A layer of indices and shapes alone gives theirs, e.g. int32.
        """
        if self.is_hidden:
            return UNKNOWN
        if self.weights is not None:
            return self.weights
        return (
            widest(self.inputs)
            or widest(self.outputs)
            or next((tensor.precision for tensor in (*self.inputs, *self.outputs)), UNKNOWN)
        )


def widest(tensors: Iterable[EngineTensor]) -> str:
    """The widest precision among tensors; `unknown` where one is, empty where all are indices or shapes."""
    found = {tensor.precision for tensor in tensors}
    return UNKNOWN if UNKNOWN in found else next((precision for precision in _FLOATS if precision in found), "")
