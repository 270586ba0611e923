"""Tiny models of every head family: real convolutions with seeded weights, a few kilobytes, run by ONNX Runtime.

Each function writes the file, returns its path, and is deterministic. `size` is (height, width) or one number for both;
`announced` replaces the input's announced shape, e.g. ("batch", 3, "height", "width"), for models with dynamic sizes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto

from helpers.onnx_graph import OnnxGraph

STRIDES = (8, 16, 32)
Size = int | tuple[int, int]
Shape = tuple[int | str, ...]


def make_yolox_onnx(
    path: Path,
    *,
    size: Size = 64,
    classes: int = 3,
    decoded: bool = False,
    scatter: bool = False,
    opset: int = 17,
    seed: int = 0,
    announced: Shape | None = None,
    metadata: Mapping[str, str] | None = None,
) -> Path:
    """YOLOX: input `images` float32 [1, 3, h, w] (BGR, 0 to 255), output `output` float32 [1, n, 5 + classes].

    Args:
        decoded: Whether the model itself makes network pixels of the boxes.
        scatter: Whether it does so by assignment to slices, which the exporter writes as ScatterND.
    """
    height, width = _pair(size)
    graph = OnnxGraph(seed=seed)
    output = _yolox_head(graph, graph.backbone("images", factor=1 / 255), classes, (height, width), name="output")
    if decoded:
        output = _decode_yolox(graph, output, (height, width), scatter=scatter)
    shape: Shape = (1, len(_cells(height, width)[0]), 5 + classes)
    return graph.save(
        path,
        inputs={"images": announced or (1, 3, height, width)},
        outputs={output: shape if announced is None else ("batch", "anchors", 5 + classes)},
        opset=opset,
        metadata=metadata,
    )


def make_yolov8_onnx(
    path: Path,
    *,
    size: Size = 64,
    classes: int = 3,
    masks: int = 0,
    opset: int = 17,
    seed: int = 0,
    announced: Shape | None = None,
    metadata: Mapping[str, str] | None = None,
) -> Path:
    """YOLOv8, 9, 11, 12: input `images` float32 [1, 3, h, w] (RGB, 0 to 1), output `output0` [1, 4 + classes, n].

    Args:
        masks: Mask coefficients behind each box's scores, with as many prototypes in `output1` [1, masks, h/4, w/4]:
            YOLOv8-seg, YOLO11-seg. 0: a detector.
    """
    height, width = _pair(size)
    graph = OnnxGraph(seed=seed)
    features = graph.backbone("images")
    bins = 4
    boxes = [
        _flat(graph, graph.conv(features[stride], 8, 4 * bins, kernel=1, name=f"head.box.{stride}"), 4 * bins)
        for stride in STRIDES
    ]
    scores = [
        _flat(graph, graph.conv(features[stride], 8, classes, kernel=1, name=f"head.cls.{stride}"), classes)
        for stride in STRIDES
    ]
    grid, strides = _cells(height, width)
    # Four distances to the cell's centre, each the mean of a distribution over `bins` values, in cells.
    split = graph.add("Reshape", graph.add("Concat", *boxes, axis=2), graph.constant(np.array([1, 4, bins, -1])))
    weights = graph.add("Softmax", graph.add("Transpose", split, perm=[0, 2, 1, 3]), axis=1)
    mean = graph.constant(np.arange(bins, dtype=np.float32).reshape(1, bins, 1, 1))
    distances = graph.add("Reshape", graph.add("Conv", weights, mean), graph.constant(np.array([1, 4, -1])))
    left_top = graph.add("Sub", _centres(graph, grid), _slice(graph, distances, 0, 2, axis=1))
    right_bottom = graph.add("Add", _centres(graph, grid), _slice(graph, distances, 2, 4, axis=1))
    centre = graph.add("Div", graph.add("Add", left_top, right_bottom), graph.constant(np.float32(2)))
    extent = graph.add("Sub", right_bottom, left_top)
    pixels = graph.add("Mul", graph.add("Concat", centre, extent, axis=1), graph.constant(strides.reshape(1, 1, -1)))
    probabilities = graph.add("Sigmoid", graph.add("Concat", *scores, axis=2))
    rows = 4 + classes + masks
    outputs: dict[str, Shape] = {"output0": (1, rows, len(grid)) if announced is None else ("batch", rows, "anchors")}
    if masks:
        coefficients = [
            _flat(graph, graph.conv(features[stride], 8, masks, kernel=1, name=f"head.mask.{stride}"), masks)
            for stride in STRIDES
        ]
        boxed = graph.add("Concat", pixels, probabilities, axis=1)
        graph.add("Concat", boxed, graph.add("Concat", *coefficients, axis=2), axis=1, name="output0")
        outputs[graph.conv(features[4], 8, masks, kernel=1, name="output1")] = (
            (1, masks, height // 4, width // 4) if announced is None else ("batch", masks, "rows", "columns")
        )
    else:
        graph.add("Concat", pixels, probabilities, axis=1, name="output0")
    return graph.save(
        path,
        inputs={"images": announced or (1, 3, height, width)},
        outputs=outputs,
        opset=opset,
        metadata=metadata,
    )


def make_semantic_onnx(
    path: Path,
    *,
    size: Size = 64,
    classes: int = 4,
    stride: int = 4,
    argmax: bool = False,
    keepdims: bool = False,
    opset: int = 17,
    seed: int = 0,
    announced: Shape | None = None,
    metadata: Mapping[str, str] | None = None,
) -> Path:
    """Semantic segmentation: input `input` float32 [1, 3, h, w], output `logits` float32 [1, classes, h/s, w/s].

    Args:
        stride: Network pixels a logit.
        argmax: Whether the output is `class_ids` int64 [1, h/s, w/s] instead; with `keepdims` [1, 1, h/s, w/s].
    """
    height, width = _pair(size)
    graph = OnnxGraph(seed=seed)
    logits = _semantic_head(graph, graph.backbone("input", depth=4), classes, stride)
    rows, columns = height // stride, width // stride
    shape: Shape = (1, classes, rows, columns)
    if argmax:
        logits = graph.add("ArgMax", logits, axis=1, keepdims=int(keepdims), name="class_ids")
        shape = (1, 1, rows, columns) if keepdims else (1, rows, columns)
    return graph.save(
        path,
        inputs={"input": announced or (1, 3, height, width)},
        outputs={logits: shape if announced is None else tuple(f"d{axis}" for axis in range(len(shape)))},
        output_types={"class_ids": TensorProto.INT64},
        opset=opset,
        metadata=metadata,
    )


def make_multi_head_onnx(
    path: Path,
    *,
    size: Size = 64,
    classes: int = 3,
    mask_classes: int = 4,
    stride: int = 4,
    opset: int = 17,
    seed: int = 0,
    metadata: Mapping[str, str] | None = None,
) -> Path:
    """One backbone, two heads: `detections` as YOLOX undecoded, `segmentation` as logits at `stride`."""
    height, width = _pair(size)
    graph = OnnxGraph(seed=seed)
    features = graph.backbone("images", factor=1 / 255)
    _yolox_head(graph, features, classes, (height, width), name="detections")
    _semantic_head(graph, features, mask_classes, stride, name="segmentation")
    return graph.save(
        path,
        inputs={"images": (1, 3, height, width)},
        outputs={
            "detections": (1, len(_cells(height, width)[0]), 5 + classes),
            "segmentation": (1, mask_classes, height // stride, width // stride),
        },
        opset=opset,
        metadata=metadata,
    )


def make_layout_onnx(
    path: Path,
    *,
    outputs: Mapping[str, tuple[int, ...]],
    integers: Sequence[str] = (),
    inputs: Mapping[str, Shape] | None = None,
    input_types: Mapping[str, int] | None = None,
    opset: int = 17,
    producer: str = "pytorch",
    metadata: Mapping[str, str] | None = None,
) -> Path:
    """A model whose outputs have the given shapes and no meaning: for layouts that only have to be told apart.

    Args:
        outputs: Name and shape of each.
        integers: Names of the outputs that are int32; the others are float32.
        inputs: Name and announced shape of each; the outputs depend on the first alone.
    """
    inputs = inputs or {"images": (1, 3, 64, 64)}
    graph = OnnxGraph()
    mean = graph.add("ReduceMean", graph.add("Cast", next(iter(inputs)), to=TensorProto.FLOAT), keepdims=0)
    for name, shape in outputs.items():
        to = TensorProto.INT32 if name in integers else TensorProto.FLOAT
        graph.add("Cast", graph.add("Expand", mean, graph.constant(np.array(shape))), name=name, to=to)
    return graph.save(
        path,
        inputs=inputs,
        outputs=outputs,
        input_types=input_types,
        output_types=dict.fromkeys(integers, TensorProto.INT32),
        opset=opset,
        producer=producer,
        metadata=metadata,
    )


def ultralytics_metadata(*, task: str = "detect", classes: int = 3, size: Size = 64, **more: str) -> dict[str, str]:
    """metadata_props as the Ultralytics exporter writes them: every value as Python prints it."""
    return {
        "description": "Ultralytics model trained on tiny.yaml",
        "author": "Ultralytics",
        "version": "8.3.0",
        "stride": "32",
        "task": task,
        "batch": "1",
        "imgsz": str(list(_pair(size))),
        "names": str({index: f"thing_{index}" for index in range(classes)}),
        "args": "{'batch': 1, 'half': False, 'dynamic': False, 'simplify': True, 'opset': None, 'nms': False}",
        **more,
    }


def _pair(size: Size) -> tuple[int, int]:
    return (size, size) if isinstance(size, int) else size


def _cells(height: int, width: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Column and row of every cell, float32 (n, 2), and its stride, float32 (n, 1); finest stride first."""
    grids, strides = [], []
    for stride in STRIDES:
        rows, columns = np.mgrid[: height // stride, : width // stride]
        grids.append(np.stack((columns, rows), axis=-1).reshape(-1, 2).astype(np.float32))
        strides.append(np.full((len(grids[-1]), 1), stride, np.float32))
    return np.concatenate(grids), np.concatenate(strides)


def _centres(graph: OnnxGraph, grid: NDArray[np.float32]) -> str:
    return graph.constant((grid + np.float32(0.5)).T[None])


def _flat(graph: OnnxGraph, source: str, channels: int) -> str:
    return graph.add("Reshape", source, graph.constant(np.array([1, channels, -1])))


def _slice(graph: OnnxGraph, source: str, start: int, end: int, *, axis: int) -> str:
    bounds = (graph.constant(np.array([number])) for number in (start, end, axis))
    return graph.add("Slice", source, *bounds)


def _yolox_head(graph: OnnxGraph, features: dict[int, str], classes: int, size: tuple[int, int], *, name: str) -> str:
    scales = []
    for stride in STRIDES:
        box = graph.conv(features[stride], 8, 4, kernel=1, name=f"head.reg.{stride}")
        objectness = graph.add("Sigmoid", graph.conv(features[stride], 8, 1, kernel=1, name=f"head.obj.{stride}"))
        scores = graph.add("Sigmoid", graph.conv(features[stride], 8, classes, kernel=1, name=f"head.cls.{stride}"))
        scales.append(_flat(graph, graph.add("Concat", box, objectness, scores, axis=1), 5 + classes))
    return graph.add("Transpose", graph.add("Concat", *scales, axis=2), perm=[0, 2, 1], name=name)


def _decode_yolox(graph: OnnxGraph, raw: str, size: tuple[int, int], *, scatter: bool) -> str:
    grid, strides = _cells(*size)
    factor = graph.constant(strides[None])
    centre = graph.add("Mul", graph.add("Add", _slice(graph, raw, 0, 2, axis=2), graph.constant(grid[None])), factor)
    extent = graph.add("Mul", graph.add("Exp", _slice(graph, raw, 2, 4, axis=2)), factor)
    if not scatter:
        rest = _slice(graph, raw, 4, 2**31, axis=2)
        return graph.add("Concat", centre, extent, rest, axis=2, name="decoded")
    for name, values, first in (("", centre, 0), ("decoded", extent, 2)):
        columns, rows = np.meshgrid(np.arange(first, first + 2), np.arange(len(grid)))
        indices = np.stack((np.zeros_like(rows), rows, columns), axis=-1)[None]
        raw = graph.add("ScatterND", raw, graph.constant(indices), values, name=name)
    return raw


def _semantic_head(graph: OnnxGraph, features: dict[int, str], classes: int, stride: int, name: str = "logits") -> str:
    return graph.conv(features[stride], 8, classes, kernel=1, name=name)
