"""Questions to the graph before an output: which operators made which columns."""

from __future__ import annotations

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

_CHOICES = frozenset({"Split", "Slice", "Gather", "GatherElements", "GatherND"})
"""Operators that pass some values of their first input on, as they are."""


def source(model: OnnxModel, tensor: str) -> OnnxNode | None:
    """The node whose values a tensor holds, looking through changes of layout and type; None for inputs and weights."""
    seen: set[str] = set()  # a damaged file may lead in a circle
    node = model.maker(tensor)
    while node is not None and node.op_type in _LAYOUT:
        if tensor in seen or not node.inputs:
            return None
        seen.add(tensor)
        tensor = node.inputs[0]
        node = model.maker(tensor)
    return node


def is_sigmoid(model: OnnxModel, tensor: str) -> bool:
    """Whether all values of a tensor come out of Sigmoid, looking through Concat and through choices of values too."""
    waiting, seen = [tensor], {""}
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        node = source(model, name)
        if node is not None and node.op_type == "Concat":
            waiting.extend(node.inputs)
        elif node is not None and node.op_type in _CHOICES:
            waiting.extend(node.inputs[:1])
        elif node is None or node.op_type != "Sigmoid":
            return False
    return True


def column_concats(model: OnnxModel, output: str, parts: int) -> list[OnnxNode] | None:
    """The Concats of `parts` inputs that an output is put together from, one a scale.

    Looks through changes of layout and through Concats that join scales. None where anything else makes values of the
    output too.
    """
    found: list[OnnxNode] = []
    waiting, seen = [output], set()
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        node = source(model, name)
        if node is None or node.op_type != "Concat":
            return None
        if len(node.inputs) == parts and any(is_sigmoid(model, part) for part in node.inputs):
            found.append(node)
        else:
            waiting.extend(node.inputs)
    return found


def joined_parts(model: OnnxModel, output: str) -> list[str]:
    """What an output is put together from, in its order, looking through changes of layout and nested Concats."""
    parts: list[str] = []
    waiting, seen = [output], set()
    while waiting:
        name = waiting.pop()
        node = source(model, name)
        if node is None or node.op_type != "Concat" or name in seen:  # a damaged file may lead in a circle
            parts.append(name)
            continue
        seen.add(name)
        waiting.extend(reversed(node.inputs))
    return parts
