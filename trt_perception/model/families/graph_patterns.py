"""Questions to the graph before an output: which operators made which columns."""

from __future__ import annotations

from collections.abc import Iterator

from trt_perception.model.onnx_model import OnnxModel, OnnxNode

LEARNED = frozenset(
    {"Conv", "ConvTranspose", "Gemm", "MatMul", "MatMulInteger", "Einsum", "QLinearConv", "ConvInteger"}
)
"""Operators with weights: what stands after the last of them is the head's own arithmetic."""

_LAYOUT = frozenset(
    {
        "Reshape", "Transpose", "Flatten", "Squeeze", "Unsqueeze", "Identity", "Cast",
        "QuantizeLinear", "DequantizeLinear",
    }
)  # fmt: skip
"""Operators that move or retype values and leave their meaning; only their first input is data."""


def source(model: OnnxModel, tensor: str) -> OnnxNode | None:
    """The node whose values a tensor holds, looking through changes of layout and type."""
    node = model.maker(tensor)
    while node is not None and node.op_type in _LAYOUT:
        node = model.maker(node.inputs[0])
    return node


def is_sigmoid(model: OnnxModel, tensor: str) -> bool:
    """Whether all values of a tensor come out of Sigmoid, looking through Concat, Split and Slice too."""
    node = source(model, tensor)
    if node is None:
        return False
    if node.op_type == "Concat":
        return all(is_sigmoid(model, part) for part in node.inputs)
    if node.op_type in ("Split", "Slice"):
        return is_sigmoid(model, node.inputs[0])
    return node.op_type == "Sigmoid"


def column_concats(model: OnnxModel, output: str, parts: int) -> Iterator[OnnxNode | None]:
    """The Concats of `parts` inputs that an output is put together from, one a scale.

    Looks through changes of layout and through Concats that join scales. Gives None for whatever else makes values of
    the output, so that a caller who wants only such Concats sees that there is more.
    """
    node = source(model, output)
    if node is None or node.op_type != "Concat":
        yield None
    elif len(node.inputs) == parts and any(is_sigmoid(model, part) for part in node.inputs):
        yield node
    else:
        for part in node.inputs:
            yield from column_concats(model, part, parts)
