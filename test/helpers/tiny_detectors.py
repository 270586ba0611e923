"""Tiny detectors of more families than `tiny_onnx` has, built and run in the same way."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto

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
    road_masks: bool = False,
    opset: int = 13,
    metadata: Mapping[str, str] | None = None,
) -> Path:
    """YOLOv5 or YOLOv7: `images` float32 [1, 3, 64, 64], `output0` float32 [1, 252, 5 + classes].

    Args:
        way: `yolov5` or `yolov7`, whose graphs differ in the order of operations; `scatter` for the assignments to
            columns of older YOLOv5; `raw` for scores and offsets that nothing decodes.
        raw_maps: Whether the maps of each scale before that, [1, 3, h, w, 5 + classes], are outputs too: `raw_8`, ...
        road_masks: Whether there are `drive_area_seg` and `lane_line_seg` beside it, [1, 2, 64, 64] after Sigmoid, as
            in YOLOP.
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
    for name in ("drive_area_seg", "lane_line_seg") if road_masks else ():
        cells = graph.conv(features[4], 8, 2, kernel=1, name=f"model.{name}")
        factors = graph.constant(np.array([1, 1, 4, 4], np.float32))
        graph.add("Sigmoid", graph.add("Resize", cells, "", factors, mode="linear"), name=name)
        shapes[name] = (1, 2, 64, 64)
    return graph.save(path, inputs={"images": (1, 3, 64, 64)}, outputs=shapes, opset=opset, metadata=metadata)


def make_yolov10_onnx(
    path: Path,
    *,
    classes: int = 3,
    boxes: int = 20,
    way: str = "corners",
    raw_maps: bool = False,
    opset: int = 13,
    metadata: Mapping[str, str] | None = None,
) -> Path:
    """YOLOv10 and YOLO26: `images` float32 [1, 3, 64, 64], `output0` float32 [1, boxes, 6].

    Args:
        way: `corners`; or boxes of the same shape with another meaning: `centres` in pixels, `normalised` by Sigmoid.
        raw_maps: Whether distances to the sides in cells [1, 4, n] and score logits [1, classes, n] are outputs too.
    """
    graph = OnnxGraph(seed=10)
    distances, logits = _maps(graph, classes)
    sides = _sides(graph, distances, way)
    scores = graph.add("Sigmoid", logits)
    rows = graph.add("Transpose", graph.add("Concat", sides, scores, axis=1), perm=[0, 2, 1])
    _best(graph, rows, classes, boxes)
    maps = {"distances": (1, 4, 84), "logits": (1, classes, 84)} if raw_maps else {}
    shapes = {"output0": (1, boxes, 6), **maps}
    return graph.save(path, inputs={"images": (1, 3, 64, 64)}, outputs=shapes, opset=opset, metadata=metadata)


def _maps(graph: OnnxGraph, classes: int) -> tuple[str, str]:
    """Distances from the cells' centres to the sides in cells, [1, 4, 84], and logits of scores, [1, classes, 84]."""
    features = graph.backbone("images")
    joined = {
        name: graph.add(
            "Concat",
            *(
                graph.add(
                    "Reshape",
                    graph.conv(features[stride], 8, channels, kernel=1, name=f"{name}.{stride}"),
                    graph.constant(np.array([1, channels, -1])),
                )
                for stride in STRIDES
            ),
            axis=2,
            name=name,
        )
        for name, channels in (("offsets", 4), ("logits", classes))
    }
    distances = graph.add("Softplus", joined["offsets"], name="distances")
    return distances, joined["logits"]


def make_efficient_nms_onnx(path: Path, *, plugin: bool = False, classes: int = 3, boxes: int = 20) -> Path:
    """The outputs of EfficientNMS: num_dets, det_boxes, det_scores, det_classes (`images` float32 [1, 3, 64, 64]).

    Without `plugin` of standard operators (limit 0.25, overlap 0.45), and `distances` and `logits` are outputs too.
    """
    graph = OnnxGraph(seed=10)
    distances, logits = _maps(graph, classes)
    rows = graph.add("Transpose", _sides(graph, distances, "corners"), perm=[0, 2, 1])
    scores = graph.add("Sigmoid", logits)
    shapes = {"num_dets": (1, 1), "det_boxes": (1, boxes, 4), "det_scores": (1, boxes), "det_classes": (1, boxes)}
    if plugin:
        scores = graph.add("Transpose", scores, perm=[0, 2, 1])
        for number, name in enumerate(shapes):  # stand-ins, which become one node once the file is checked
            graph.add("Identity", (rows, scores)[number % 2], name=name)
    else:
        limits = [graph.constant(np.array(value)) for value in (boxes, np.float32(0.45), np.float32(0.25))]
        chosen = graph.add("NonMaxSuppression", rows, scores, *limits)
        nothing = graph.constant(np.zeros((1, classes, 84), np.float32))
        kept = graph.add("ScatterND", nothing, chosen, graph.add("GatherND", scores, chosen))
        flat = graph.add("Reshape", kept, graph.constant(np.array([1, -1])))
        best = graph.add("TopK", flat, graph.constant(np.array([boxes])), axis=1, outputs=2, name="det_scores")
        cells = graph.constant(np.array(84))
        numbers = graph.add("Div", f"{best}_1", cells)
        cell = graph.add("Sub", f"{best}_1", graph.add("Mul", numbers, cells))
        graph.add("Cast", numbers, to=TensorProto.INT32, name="det_classes")
        graph.add(
            "GatherND",
            rows,
            graph.add("Unsqueeze", cell, graph.constant(np.array([2]))),
            batch_dims=1,
            name="det_boxes",
        )
        found = graph.add("Cast", graph.add("Sign", best), to=TensorProto.INT32)
        graph.add("ReduceSum", found, graph.constant(np.array([1])), keepdims=1, name="num_dets")
        shapes |= {"distances": (1, 4, 84), "logits": (1, classes, 84)}
    types = {"num_dets": TensorProto.INT32, "det_classes": TensorProto.INT32}
    graph.save(path, inputs={"images": (1, 3, 64, 64)}, outputs=shapes, output_types=types, opset=13)
    if plugin:
        _end_in_plugin(path, rows, scores)
    return path


def _end_in_plugin(path: Path, boxes: str, scores: str) -> None:
    model = onnx.load(str(path))
    names = [output.name for output in model.graph.output]
    nodes = [node for node in model.graph.node if node.output[0] not in names]
    attributes = {"background_class": -1, "box_coding": 0, "max_output_boxes": 20, "plugin_version": "1"}
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    model.graph.node.append(
        onnx.helper.make_node("EfficientNMS_TRT", [boxes, scores], names, domain="TRT", **attributes)
    )
    model.opset_import.append(onnx.helper.make_opsetid("TRT", 1))
    onnx.save(model, str(path))


def _sides(graph: OnnxGraph, distances: str, way: str) -> str:
    """Four values a cell, [1, 4, 84]."""
    if way == "normalised":
        return graph.add("Sigmoid", distances)
    centres, strides = [], []
    for stride in STRIDES:
        rows, columns = np.mgrid[: 64 // stride, : 64 // stride] + 0.5
        centres.append(np.stack((columns.ravel(), rows.ravel())))
        strides.append(np.full(rows.size, stride))
    centre = graph.constant(np.concatenate(centres, axis=1)[None].astype(np.float32))
    before = graph.add("Split", distances, graph.constant(np.array([2, 2])), axis=1, outputs=2)
    first = graph.add("Sub", centre, before)
    last = graph.add("Add", centre, f"{before}_1")
    if way == "centres":
        half = graph.constant(np.float32(0.5))
        first, last = graph.add("Mul", graph.add("Add", first, last), half), graph.add("Sub", last, first)
    joined = graph.add("Concat", first, last, axis=1)
    return graph.add("Mul", joined, graph.constant(np.concatenate(strides)[None, None].astype(np.float32)))


def _best(graph: OnnxGraph, rows: str, classes: int, boxes: int) -> None:
    """The best pairs of box and class among [1, n, 4 + classes], as `output0` [1, boxes, 6]."""
    count, number = graph.constant(np.array([boxes])), graph.constant(np.array(classes))
    sides = graph.add("Split", rows, graph.constant(np.array([4, classes])), axis=2, outputs=2)
    flat = graph.add("Reshape", f"{sides}_1", graph.constant(np.array([1, -1])))
    best = graph.add("TopK", flat, count, axis=1, outputs=2)
    cells = graph.add("Div", f"{best}_1", number)
    class_ids = graph.add("Sub", f"{best}_1", graph.add("Mul", cells, number))
    last = graph.constant(np.array([2]))
    places = graph.add("Expand", graph.add("Unsqueeze", cells, last), graph.constant(np.array([1, boxes, 4])))
    graph.add(
        "Concat",
        graph.add("GatherElements", sides, places, axis=1),
        graph.add("Unsqueeze", best, last),
        graph.add("Unsqueeze", graph.add("Cast", class_ids, to=TensorProto.FLOAT), last),
        axis=2,
        name="output0",
    )


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
