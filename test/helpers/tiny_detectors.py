"""Tiny detectors of more families than `tiny_onnx` has, built and run in the same way."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from helpers.onnx_graph import OnnxGraph

STRIDES = (8, 16, 32)
ANCHORS = ((1.25, 1.625), (2.0, 3.75), (4.125, 2.875))
"""Width and height of the three anchors of each scale, in cells: those of YOLOv5's finest."""


def make_yolov5_onnx(
    path: Path,
    *,
    classes: int = 3,
    way: str = "yolov5",
    raw_maps: bool = False,
    opset: int = 13,
    metadata: Mapping[str, str] | None = None,
) -> Path:
    """YOLOv5 or YOLOv7: `images` float32 [1, 3, 64, 64], `output0` float32 [1, 252, 5 + classes].

    Args:
        way: `yolov5` or `yolov7`, whose graphs differ in the order of operations; `scatter` for the assignments to
            columns of older YOLOv5; `raw` for scores and offsets that nothing decodes.
        raw_maps: Whether the maps of each scale before that, [1, 3, h, w, 5 + classes], are outputs too: `raw_8`, ...
    """
    graph = OnnxGraph(seed=5)
    features = graph.backbone("images")
    columns = 5 + classes
    scales, outputs = [], {}
    for stride in STRIDES:
        count = 64 // stride
        maps = graph.conv(features[stride], 8, 3 * columns, kernel=1, name=f"model.24.m.{stride}")
        split = graph.add("Reshape", maps, graph.constant(np.array([1, 3, columns, count, count])))
        raw = graph.add("Transpose", split, perm=[0, 1, 3, 4, 2], name=f"raw_{stride}")
        outputs[raw] = (1, 3, count, count, columns)
        decoded = _decoded(graph, graph.add("Sigmoid", raw), stride, columns, way)
        scales.append(graph.add("Reshape", decoded, graph.constant(np.array([1, -1, columns]))))
    joined = graph.add("Concat", *scales, axis=1, name="output0")
    shapes = {joined: (1, 252, columns), **(outputs if raw_maps else {})}
    return graph.save(path, inputs={"images": (1, 3, 64, 64)}, outputs=shapes, opset=opset, metadata=metadata)


def _decoded(graph: OnnxGraph, values: str, stride: int, columns: int, way: str) -> str:
    """One scale [1, 3, h, w, columns] after Sigmoid, its first four columns as network pixels."""
    if way == "raw":
        return values
    rows, across = np.mgrid[: 64 // stride, : 64 // stride].astype(np.float32)
    corner = np.stack((across, rows), axis=-1)[None, None] - np.float32(0.5)
    anchors = np.array(ANCHORS, np.float32).reshape(1, 3, 1, 1, 2) * stride
    two, pixels = graph.constant(np.float32(2)), graph.constant(np.float32(stride))
    centre = graph.add("Split", values, graph.constant(np.array([2, 2, columns - 4])), axis=4, outputs=3)
    size, rest = f"{centre}_1", f"{centre}_2"
    if way == "yolov7":
        product = graph.add("Mul", centre, graph.constant(np.float32(2 * stride)))
        centres = graph.add("Add", product, graph.constant(corner * stride))
        sizes = graph.add("Mul", graph.add("Pow", size, two), graph.constant(4 * anchors))
    else:
        cells = graph.add("Add", graph.add("Mul", centre, two), graph.constant(corner))
        centres = graph.add("Mul", cells, pixels)
        sizes = graph.add("Mul", graph.add("Pow", graph.add("Mul", size, two), two), graph.constant(anchors))
    if way != "scatter":
        return graph.add("Concat", centres, sizes, rest, axis=4)
    shape = (1, 3, 64 // stride, 64 // stride, 2)
    for first, assigned in ((0, centres), (2, sizes)):
        *places, column = np.indices(shape)
        indices = graph.constant(np.stack((*places, column + first), axis=-1))
        values = graph.add("ScatterND", values, indices, assigned)
    return values
