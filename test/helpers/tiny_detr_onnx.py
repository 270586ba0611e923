"""Tiny models with the heads of DETR and its successors: one query a cell at stride 8, 64 at 64 x 64 pixels.

Each function writes the file, returns its path, and is deterministic, as those of `helpers.tiny_onnx`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from onnx import TensorProto

from helpers.onnx_graph import OnnxGraph

SIZE = 64
QUERIES = 64
_INPUTS: dict[str, tuple[int | str, ...]] = {"images": (1, 3, SIZE, SIZE)}


def make_rtdetr_onnx(
    path: Path,
    *,
    classes: int = 3,
    top_k: bool = False,
    opaque: bool = False,
    metadata: Mapping[str, str] | None = None,
) -> Path:
    """Ultralytics' RT-DETR: output `output0` float32 [1, 64, 4 + classes].

    Args:
        top_k: Whether the model takes the best queries times classes itself: [1, 64, 6].
        opaque: Whether an addition hides the operators before the output.
    """
    graph = OnnxGraph()
    boxes, logits = _queries(graph, classes)
    scores = graph.add("Sigmoid", logits)
    if top_k:
        boxes, scores, labels = _best(graph, boxes, scores, classes)
        numbers = graph.add("Cast", _as_column(graph, labels), to=TensorProto.FLOAT)
        columns = [boxes, _as_column(graph, scores), numbers]
    else:
        columns = [boxes, scores]
    output = graph.add("Concat", *columns, axis=-1, name="" if opaque else "output0")
    if opaque:
        graph.add("Add", output, graph.constant(np.zeros(1, np.float32)), name="output0")
    shape = (1, QUERIES, 6 if top_k else 4 + classes)
    return graph.save(path, inputs=_INPUTS, outputs={"output0": shape}, metadata=metadata)


def make_rtdetr_deploy_onnx(
    path: Path, *, classes: int = 3, constant: tuple[int, int] | None = None, is_scaled: bool = True
) -> Path:
    """RT-DETR's and D-FINE's deployment: `labels` int64 [1, 64], `boxes` float32 [1, 64, 4], `scores` [1, 64].

    Args:
        constant: Width and height in place of the input `orig_target_sizes` int64 [1, 2].
        is_scaled: Whether boxes are multiplied by it at all.
    """
    graph = OnnxGraph()
    boxes, logits = _queries(graph, classes)
    half = graph.add("Mul", _columns(graph, boxes, 2, 4), graph.constant(np.float32(0.5)))
    centre = _columns(graph, boxes, 0, 2)
    corners = graph.add("Concat", graph.add("Sub", centre, half), graph.add("Add", centre, half), axis=-1)
    inputs = dict(_INPUTS)
    if constant is not None:
        graph.constant(np.array([constant]), "orig_target_sizes")
    elif is_scaled:
        inputs["orig_target_sizes"] = (1, 2)
    if is_scaled:
        size = graph.add("Cast", "orig_target_sizes", to=TensorProto.FLOAT)
        twice = graph.add("Tile", size, graph.constant(np.array([1, 2])))
        corners = graph.add("Mul", corners, graph.add("Unsqueeze", twice, graph.constant(np.array([1]))))
    best = _best(graph, corners, graph.add("Sigmoid", logits), classes)
    for tensor, name in zip(best, ("boxes", "scores", "labels"), strict=True):
        graph.add("Identity", tensor, name=name)
    return graph.save(
        path,
        inputs=inputs,
        input_types={"orig_target_sizes": TensorProto.INT64},
        outputs={"labels": (1, QUERIES), "boxes": (1, QUERIES, 4), "scores": (1, QUERIES)},
        output_types={"labels": TensorProto.INT64},
    )


def make_detr_onnx(
    path: Path,
    *,
    columns: int = 3,
    logits: str = "pred_logits",
    boxes: str = "pred_boxes",
    features: str = "",
    top_k: bool = False,
    activation: str = "Identity",
) -> Path:
    """DETR and its successors without post-processing: logits float32 [1, 64, columns] and boxes [1, 64, 4].

    Args:
        columns: Classes, the one for no object included.
        logits: Name of that output.
        boxes: Name of that output.
        features: Name of a further output [1, 64, 8] of what the queries know; empty: none.
        top_k: Whether a TopK, as it chooses queries, is in the graph.
        activation: Operator on the logits.
    """
    graph = OnnxGraph()
    fractions, raw = _queries(graph, columns, features=features)
    graph.add(activation, raw, name=logits)
    graph.add("Identity", fractions, name=boxes)
    if top_k:
        graph.add("TopK", raw, graph.constant(np.array([1])), outputs=2)
    outputs = {boxes: (1, QUERIES, 4), logits: (1, QUERIES, columns)}
    if features:
        outputs = {features: (1, QUERIES, 8), **outputs}
    return graph.save(path, inputs=_INPUTS, outputs=outputs)


def _queries(graph: OnnxGraph, columns: int, *, features: str = "") -> tuple[str, str]:
    """Boxes as fractions [1, 64, 4] and logits [1, 64, columns]."""
    cells = graph.backbone("images", depth=3)[8]
    flat = graph.add("Reshape", cells, graph.constant(np.array([1, 8, -1])))
    known = graph.add("Transpose", flat, perm=[0, 2, 1], name=features)
    random = np.random.default_rng(1)
    heads = []
    for count in (4, columns):
        weight = graph.constant(random.normal(0, 2, (8, count)).astype(np.float32))
        heads.append(graph.add("MatMul", known, weight))
    return graph.add("Sigmoid", heads[0]), heads[1]


def _best(graph: OnnxGraph, boxes: str, scores: str, classes: int) -> tuple[str, str, str]:
    """Boxes [1, 64, 4], scores [1, 64] and classes int64 [1, 64] of the best queries times classes."""
    flat = graph.add("Reshape", scores, graph.constant(np.array([1, -1])))
    best = graph.add("TopK", flat, graph.constant(np.array([QUERIES])), outputs=2)
    count = graph.constant(np.array(classes))
    queries = graph.add("Unsqueeze", graph.add("Div", f"{best}_1", count), graph.constant(np.array([2])))
    fourfold = graph.add("Tile", queries, graph.constant(np.array([1, 1, 4])))
    return graph.add("GatherElements", boxes, fourfold, axis=1), best, graph.add("Mod", f"{best}_1", count)


def _as_column(graph: OnnxGraph, source: str) -> str:
    return graph.add("Unsqueeze", source, graph.constant(np.array([2])))


def _columns(graph: OnnxGraph, source: str, start: int, end: int) -> str:
    return graph.add("Slice", source, *(graph.constant(np.array([number])) for number in (start, end, 2)))
