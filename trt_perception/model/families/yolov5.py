"""YOLOv5 and YOLOv7: one output [1, n, 5 + classes], three anchors a cell, boxes decoded by the model itself."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from trt_perception.model.families.graph_patterns import LEARNED, column_concats, is_sigmoid, source
from trt_perception.model.families.head_family import (
    Certainty,
    Evidence,
    HeadClaim,
    HeadFamily,
    HeadLayout,
    PreprocessDefault,
)
from trt_perception.model.families.objectness_layout import objectness_layout
from trt_perception.model.model_spec import HeadKind
from trt_perception.model.onnx_model import OnnxModel
from trt_perception.model.preprocess_options import PreprocessOptions
from trt_perception.model.tensor_info import TensorInfo

_ANCHORS = 3

_BOTH = (HeadKind.YOLOV5, HeadKind.YOLOV7)


class Yolov5Family(HeadFamily):
    """Recognised by the metadata of YOLOv5's exporter, or by how each scale's boxes are computed.

    Three predictions a cell tell it from YOLOX, which has one. The two kinds differ in the score of models with one
    class. Both square a Sigmoid for the size; for the centre YOLOv5 multiplies a sum by the stride, where YOLOv7 adds
    to a product. Sources: models/yolo.py of https://github.com/ultralytics/yolov5 and
    https://github.com/WongKinYiu/yolov7.
    """

    kinds = _BOTH
    preprocess = PreprocessDefault(
        options=PreprocessOptions(), because="the convention of YOLOv5 and YOLOv7 models", rank=2
    )

    def layout(self, kind: HeadKind, outputs: Sequence[TensorInfo], *, width: int, height: int) -> HeadLayout:
        """See `HeadFamily.layout`."""
        expected = f"float [1, n, 5 + classes] with n three times the cells of {width}x{height}"
        return objectness_layout(outputs, expected, width=width, height=height, anchors=_ANCHORS)

    def claims(self, evidence: Evidence) -> Iterable[HeadClaim]:
        """See `HeadFamily.claims`."""
        for output, _, layout in self.fitting(evidence, self.kinds[:1]):
            kinds, certainty, reason = _judge(evidence, output.name, layout.classes or 0)
            yield HeadClaim(kinds=kinds, outputs=(output.name,), certainty=certainty, layout=layout, reason=reason)


def _judge(evidence: Evidence, output: str, classes: int) -> tuple[tuple[HeadKind, ...], Certainty, str]:
    facts = evidence.exporter
    # Instance segmentation has the same metadata, and more columns than names.
    if facts.exporter == "YOLOv5" and len(facts.labels) == classes:
        return (HeadKind.YOLOV5,), Certainty.METADATA, str(facts)
    kind, reason = _decoded_as(evidence.model, output)
    if kind is not None:
        return (kind,), Certainty.GRAPH, reason
    reason = "the operators before it are not those of a YOLOv5 or YOLOv7 head, which decodes its boxes itself"
    return (_BOTH if classes == 1 else (HeadKind.YOLOV5,)), Certainty.POSSIBLE, reason


def _decoded_as(model: OnnxModel, output: str) -> tuple[HeadKind | None, str]:
    """Which of the two kinds' arithmetic stands before an output, and in what words."""
    centres = {_centre_operator(model, concat.inputs) for concat in column_concats(model, output, parts=3) or ()}
    if centres == {"Mul"}:
        return HeadKind.YOLOV5, "centre a sum by the stride, size a Sigmoid squared: YOLOv5"
    if centres == {"Add"}:
        return HeadKind.YOLOV7, "centre a product plus the cell, size a Sigmoid squared: YOLOv7"
    arithmetic = model.operators_behind(output, until=LEARNED)
    if {"Sigmoid", "Mul", "Pow", "ScatterND"} <= arithmetic and "Exp" not in arithmetic:
        return HeadKind.YOLOV5, "boxes decoded by assignment to columns, size a Sigmoid squared: YOLOv5"
    return None, ""


def _centre_operator(model: OnnxModel, parts: Sequence[str]) -> str:
    """The last operator of one scale's centres, where its sizes and scores are those of the family; else empty text."""
    centre, size, scores = (source(model, part) for part in parts)
    if centre is None or size is None or scores is None or not is_sigmoid(model, parts[2]) or size.op_type != "Mul":
        return ""
    squared = {node.op_type for name in size.inputs if (node := source(model, name)) is not None}
    return centre.op_type if squared & {"Pow", "Mul"} else ""
