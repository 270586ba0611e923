"""Makes a graph ready for quantization, with the same results: constants folded, dead nodes gone, the opset raised."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trt_perception.errors import MissingError, ModelError
from trt_perception.model.read_onnx import read_onnx

LARGEST_FOLDED_BYTES = 2**22
"""A constant larger than this stays computed: folding would blow up the file for nothing."""


@dataclass(frozen=True, kw_only=True)
class Cleaning:
    """A cleaned model and what was done to it.

    Args:
        model: onnx.ModelProto; every node has a name of its own, constants are initialisers.
        source_opset: Opset of the file.
        opset: Opset of `model`.
        folded: Names of the nodes that became constants.
        removed: Names of the nodes that no output depends on.
    """

    model: Any
    source_opset: int
    opset: int
    folded: tuple[str, ...]
    removed: tuple[str, ...]


def clean_graph(path: Path, *, lowest_opset: int = 1, highest_opset: int | None = None) -> Cleaning:
    """Read an ONNX file and clean it; activations keep their names, so that calibrated ranges still fit.

    Args:
        path: The file; weights beside it are read too.
        lowest_opset: The graph is raised to this opset where it is older.
        highest_opset: The graph is lowered to this opset where it is newer. None: any.

    Raises:
        ModelError: Not an ONNX, or the converter of the onnx package cannot bring it to the opset.
        MissingError: The onnx package is not installed.
    """
    read_onnx(path)  # for its errors: absent, damaged, another format
    try:
        import onnx
    except ImportError as error:
        raise MissingError("the Python package onnx", "run: pip install 'trt_perception[onnx]'") from error
    model = onnx.load(str(path))
    source = _opset(model)
    wanted = max(source, lowest_opset) if highest_opset is None else min(max(source, lowest_opset), highest_opset)
    _name_nodes(model.graph)
    folded = _fold(model)
    removed = _remove_dead(model.graph)
    if wanted != source:
        model = _convert(path, model, wanted)
        _name_nodes(model.graph)
        folded += _fold(model)
        removed += _remove_dead(model.graph)
    del model.graph.value_info[:]
    model.ir_version = max(model.ir_version, onnx.helper.find_min_ir_version_for(list(model.opset_import)))
    onnx.checker.check_model(model)
    return Cleaning(model=model, source_opset=source, opset=wanted, folded=tuple(folded), removed=tuple(removed))


def _opset(model: Any) -> int:
    return next((int(item.version) for item in model.opset_import if item.domain in ("", "ai.onnx")), 1)


def _convert(path: Path, model: Any, opset: int) -> Any:
    import onnx

    try:
        converted = onnx.version_converter.convert_version(model, opset)
    except Exception as error:  # the converter raises RuntimeError and its own kinds
        raise ModelError(
            str(path), f"cannot be brought from opset {_opset(model)} to {opset}: {error}", "export it with that opset"
        ) from error
    for item in model.metadata_props:
        if item.key not in {known.key for known in converted.metadata_props}:
            converted.metadata_props.add(key=item.key, value=item.value)
    return converted


def _name_nodes(graph: Any) -> None:
    """A name for every node: its own, else from its operator and output; a number where it stands twice."""
    used: set[str] = set()
    for node in graph.node:
        name = base = node.name or f"{node.op_type}_{node.output[0]}"
        number = 1
        while name in used:
            number += 1
            name = f"{base}_{number}"
        node.name = name
        used.add(name)


def _fold(model: Any) -> list[str]:
    """Replace nodes of constant inputs by their values. Identity of an initialiser is one of them."""
    from onnx import numpy_helper

    graph = model.graph
    outputs = {value.name for value in graph.output}
    values = {tensor.name: tensor for tensor in graph.initializer}
    folded, kept = [], []
    for node in graph.node:
        result = None if outputs.intersection(node.output) else _value(model, node, values)
        if result is None:
            kept.append(node)
            continue
        tensor = numpy_helper.from_array(result, node.output[0])
        graph.initializer.append(tensor)
        values[tensor.name] = tensor
        folded.append(node.name)
    if folded:
        del graph.node[:]
        graph.node.extend(kept)
    return folded


_NEVER_FOLDED = frozenset(
    {"QuantizeLinear", "DequantizeLinear", "RandomNormalLike", "RandomUniformLike", "Bernoulli", "Multinomial"}
)
"""The point of a quantized graph, and what gives another value each time."""


def _value(model: Any, node: Any, values: dict[str, Any]) -> Any:
    """What a node of constant inputs makes; None where it cannot or should not be computed."""
    from onnx import numpy_helper

    if node.op_type == "Constant":
        tensor = next((item.t for item in node.attribute if item.name == "value"), None)
        return _evaluate(model, node, {}) if tensor is None else numpy_helper.to_array(tensor)
    if (
        node.op_type in _NEVER_FOLDED
        or len(node.output) != 1
        or not node.input
        or any(item.g.node or item.graphs for item in node.attribute)
        or any(name and name not in values for name in node.input)
    ):
        return None
    return _evaluate(model, node, {name: numpy_helper.to_array(values[name]) for name in node.input if name})


def _evaluate(model: Any, node: Any, feeds: dict[str, Any]) -> Any:
    """Run one node with the reference implementation of the onnx package."""
    import numpy as np
    from onnx import helper
    from onnx.reference import ReferenceEvaluator

    inputs = [
        helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(value.dtype), value.shape)
        for name, value in feeds.items()
    ]
    graph = helper.make_graph([node], "constant", inputs, [helper.make_empty_tensor_value_info(node.output[0])])
    single = helper.make_model(graph, opset_imports=list(model.opset_import), ir_version=model.ir_version)
    try:
        result = np.asarray(ReferenceEvaluator(single).run(None, feeds)[0])
    except Exception:  # an operator that the reference lacks stays in the graph, where the runtime computes it
        return None
    return result if result.nbytes <= LARGEST_FOLDED_BYTES else None


def _remove_dead(graph: Any) -> list[str]:
    """Take out nodes and initialisers that no output depends on."""
    needed = {value.name for value in graph.output}
    kept, removed = [], []
    for node in reversed(graph.node):
        if needed.intersection(node.output):
            kept.append(node)
            needed.update(node.input)
            needed.update(_names_in_subgraphs(node))
        else:
            removed.append(node.name)
    weights = [tensor for tensor in graph.initializer if tensor.name in needed]
    inputs = [value for value in graph.input if value.name not in {tensor.name for tensor in graph.initializer}]
    for field, items in ((graph.node, kept[::-1]), (graph.initializer, weights), (graph.input, inputs)):
        copies = [type(item)() for item in items]
        for copy, item in zip(copies, items, strict=True):
            copy.CopyFrom(item)
        del field[:]
        field.extend(copies)
    return removed[::-1]


def _names_in_subgraphs(node: Any) -> set[str]:
    """Tensors that the branches of If, Loop and Scan read from outside."""
    names: set[str] = set()
    for attribute in node.attribute:
        for graph in (attribute.g, *attribute.graphs):
            for inner in graph.node:
                names.update(inner.input)
                names.update(_names_in_subgraphs(inner))
            names.update(value.name for value in graph.output)
    return names
