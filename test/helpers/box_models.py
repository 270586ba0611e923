"""Models of every family of boxes, and what they give for boxes and scores."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from helpers.model_specs import head_spec, input_spec
from trt_perception.model.model_spec import HeadKind, HeadSpec, ModelSpec, OutputSpec, TensorType

Outputs = dict[str, NDArray[Any]]

STRIDES = (8, 16, 32)
OBJECTNESS_KINDS = (HeadKind.YOLOX, HeadKind.YOLOX_DECODED, HeadKind.YOLOV5, HeadKind.YOLOV7)
FINISHED_KINDS = (HeadKind.YOLOV10, HeadKind.RTDETR_END_TO_END, HeadKind.RTDETR_DEPLOY, HeadKind.EFFICIENT_NMS)
NMS_KINDS = (*OBJECTNESS_KINDS, HeadKind.YOLOV8)
QUERY_KINDS = (HeadKind.RTDETR, HeadKind.DETR_SIGMOID, HeadKind.DETR_SOFTMAX)
BOX_KINDS = (*NMS_KINDS, *FINISHED_KINDS, *QUERY_KINDS)
EXPONENTIAL_KINDS = (HeadKind.DETR_SIGMOID, HeadKind.DETR_SOFTMAX)
"""Those whose scores are made with an exponential."""


def box_rows(size: int) -> int:
    """Rows of the models of that input size: as many as a grid has cells."""
    return sum((size // stride) ** 2 for stride in STRIDES)


def box_spec(
    kind: HeadKind,
    *,
    size: int = 64,
    classes: int = 3,
    dtype: TensorType = TensorType.FLOAT32,
    class_dtype: TensorType = TensorType.INT32,
    **options: Any,
) -> ModelSpec:
    """A model of size x size pixels; `options` are those of PreprocessOptions."""
    rows = box_rows(size)
    shapes = _shapes(kind, rows, classes)
    integers = ("count", "labels")
    return ModelSpec(
        name="tiny",
        model="tiny.onnx",
        inputs=(input_spec(size, size, **options),),
        outputs=tuple(
            OutputSpec(name=name, shape=shape, dtype=class_dtype if name in integers else dtype)
            for name, shape in shapes.items()
        ),
        heads=(_head(kind, tuple(shapes), classes),),
    )


def _head(kind: HeadKind, outputs: tuple[str, ...], classes: int) -> HeadSpec:
    base = head_spec(kind, classes)
    return HeadSpec(name=base.name, kind=kind, outputs=outputs, labels=base.labels, strides=STRIDES)


def _shapes(kind: HeadKind, rows: int, classes: int) -> dict[str, tuple[int, ...]]:
    if kind is HeadKind.YOLOV8:
        return {"output": (1, 4 + classes, rows)}
    if kind is HeadKind.RTDETR_DEPLOY:
        return {"labels": (1, rows), "boxes": (1, rows, 4), "scores": (1, rows)}
    if kind is HeadKind.EFFICIENT_NMS:
        return {"count": (1, 1), "boxes": (1, rows, 4), "scores": (1, rows), "labels": (1, rows)}
    if kind in EXPONENTIAL_KINDS:
        return {"logits": (1, rows, classes + (kind is HeadKind.DETR_SOFTMAX)), "boxes": (1, rows, 4)}
    columns = 5 + classes if kind in OBJECTNESS_KINDS else 4 + classes if kind is HeadKind.RTDETR else 6
    return {"output": (1, rows, columns)}


def box_outputs(
    spec: ModelSpec,
    boxes: NDArray[Any],
    scores: NDArray[Any],
    *,
    objectness: NDArray[Any] | None = None,
    count: int | None = None,
) -> Outputs:
    """What the model gives when it sees these boxes.

    Args:
        spec: Of `box_spec`.
        boxes: (rows, 4): centre, width and height in network pixels, above 0.
        scores: (rows, classes), 0 to 1.
        objectness: (rows,); default: 1.
        count: Boxes of EfficientNMS; default: all.
    """
    kind, size = spec.heads[0].kind, spec.inputs[0].width
    boxes, scores = boxes.astype(np.float64), scores.astype(np.float64)
    best, best_class = scores.max(axis=1), scores.argmax(axis=1)
    corners = np.concatenate((boxes[:, :2] - boxes[:, 2:] / 2, boxes[:, :2] + boxes[:, 2:] / 2), axis=1)
    columns = {
        HeadKind.YOLOX: _cells(boxes, size) if kind is HeadKind.YOLOX else boxes,
        HeadKind.YOLOV10: corners,
        HeadKind.RTDETR_DEPLOY: corners,
        HeadKind.EFFICIENT_NMS: corners,
        HeadKind.RTDETR: boxes / size,
        HeadKind.RTDETR_END_TO_END: boxes / size,
        HeadKind.DETR_SIGMOID: boxes / size,
        HeadKind.DETR_SOFTMAX: boxes / size,
    }.get(kind, boxes)
    if objectness is None:
        objectness = np.ones(len(boxes))
    arrays: dict[str, NDArray[Any]] = {
        "boxes": columns,
        "scores": best,
        "labels": best_class,
        "count": np.array([len(boxes) if count is None else count]),
        "logits": _logits(kind, scores),
    }
    if kind in OBJECTNESS_KINDS:
        arrays["output"] = np.concatenate((columns, objectness[:, None], scores), axis=1)
    elif kind in FINISHED_KINDS:
        arrays["output"] = np.concatenate((columns, best[:, None], best_class[:, None]), axis=1)
    else:
        arrays["output"] = np.concatenate((columns, scores), axis=1)
    if kind is HeadKind.YOLOV8:
        arrays["output"] = arrays["output"].T
    return {
        output.name: np.ascontiguousarray(arrays[output.name].reshape(output.shape).astype(output.dtype.value))
        for output in spec.outputs
    }


def _cells(boxes: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    """As YOLOX says boxes before they are decoded."""
    grids = [
        (column, row, stride) for stride in STRIDES for row in range(size // stride) for column in range(size // stride)
    ]
    cells = np.array(grids, np.float64)
    stride = cells[:, 2:]
    return np.concatenate((boxes[:, :2] / stride - cells[:, :2], np.log(boxes[:, 2:] / stride)), axis=1)


def _logits(kind: HeadKind, scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """What a sigmoid or a softmax turns into these scores, as near as a softmax can."""
    some = np.clip(scores, 1e-12, 1 - 1e-12)
    if kind is not HeadKind.DETR_SOFTMAX:
        return np.asarray(np.where(scores == 0.5, 0.0, np.log(some / (1 - some))), np.float64)
    rest = np.maximum(1 - scores.sum(axis=1, keepdims=True), 0.01)
    return np.log(np.concatenate((some, rest), axis=1))
