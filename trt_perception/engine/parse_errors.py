"""Why TensorRT does not parse a graph: node, operator, opset, and what to try."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

_NO_GPU = "catchCudaError"  # said of every error where there is no GPU

_REMEDIES = (
    (
        r"Plugin not found|No importer registered",
        "TensorRT has no such operator: name the library that has it under the engine option `plugins`, or export the "
        "model without it",
    ),
    (
        r"must (be of|have) (the )?same (input )?types?|[Ss]trongly.typed|are of types|mismatched types",
        "its inputs are of different types: write the graph again with `trt-perception quantize`",
    ),
    (r"MODEL_DESERIALIZE_FAILED", "it is no ONNX file, or a damaged one: copy or export it again"),
    (
        r"data ?type|date type|unsupported input type|UNSUPPORTED_NODE_DATATYPE",
        "TensorRT does not take this type here: export the model with float32 or int32 in its place",
    ),
    (r"opset|domain version", "export the model with opset 17"),
)
_OTHERWISE = "look at the node with `trt-perception inspect`, or export the model with another opset"


def parse_problem(parser: Any, onnx_path: Path) -> tuple[str, str]:
    """What is wrong, and what to do, after `parse` said no.

    Args:
        parser: The OnnxParser.
        onnx_path: What it read.
    """
    errors = [parser.get_error(index) for index in range(parser.num_errors)]
    if not errors:
        return "TensorRT does not parse it and does not say why", _OTHERWISE
    opset, nodes = _read(onnx_path)
    said = "; ".join(_said(error, nodes) for error in errors)
    words = " ".join(f"{error.code().name} {error.desc()}" for error in errors)
    remedy = next((remedy for pattern, remedy in _REMEDIES if re.search(pattern, words)), _OTHERWISE)
    return f"TensorRT does not parse it{f' (opset {opset})' if opset else ''}: {said}", remedy


def _said(error: Any, nodes: list[Any]) -> str:
    lines = [line for line in error.desc().splitlines() if _NO_GPU not in line]
    text = " ".join(" ".join(lines).split())
    index = error.node()
    if index < 0:
        return text
    name = error.node_name() if hasattr(error, "node_name") else ""
    operator = error.node_operator() if hasattr(error, "node_operator") else ""
    if index < len(nodes):  # TensorRT 8.6 gives the number alone
        name, operator = name or nodes[index].name, operator or nodes[index].op_type
    return f"node {index}{f' {name}' if name else ''}{f' ({operator})' if operator else ''}: {text}"


def _read(onnx_path: Path) -> tuple[int, list[Any]]:
    """The opset and the nodes; 0 and none where the file is no ONNX or the onnx package is not installed."""
    try:
        import onnx
    except ImportError:
        return 0, []
    try:
        model = onnx.load(str(onnx_path), load_external_data=False)
    except Exception:  # protobuf's errors have no public base
        return 0, []
    opsets = [item.version for item in model.opset_import if item.domain in ("", "ai.onnx")]
    return max(opsets, default=0), list(model.graph.node)
