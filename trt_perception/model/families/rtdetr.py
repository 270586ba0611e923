"""RT-DETR as Ultralytics exports it: one row a query, boxes as fractions of the image."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from trt_perception.model.families.cell_grid import find_grid
from trt_perception.model.families.graph_patterns import is_sigmoid, source
from trt_perception.model.families.head_family import (
    Certainty,
    Evidence,
    HeadClaim,
    HeadFamily,
    HeadLayout,
    LayoutMismatch,
    PreprocessDefault,
    single_output,
)
from trt_perception.model.model_spec import HeadKind
from trt_perception.model.onnx_model import OnnxModel
from trt_perception.model.preprocess_options import PreprocessOptions, Resize
from trt_perception.model.tensor_info import TensorInfo

USUAL_QUERIES = (100, 300, 900)
"""Numbers of queries of the published DETR models and their successors."""


class RtdetrFamily(HeadFamily):
    """Recognised by a last Concat whose boxes come out of Sigmoid, or by the exporter's head=RTDETRDecoder.

    Boxes of YOLO heads are distances times strides, never the values of a Sigmoid.
    Source: https://github.com/ultralytics/ultralytics, nn/modules/head.py (RTDETRDecoder), models/rtdetr/predict.py,
    and pull request 24403, since which the model itself takes the best queries times classes.
    """

    kinds = (HeadKind.RTDETR, HeadKind.RTDETR_END_TO_END)
    preprocess = PreprocessDefault(
        options=PreprocessOptions(resize=Resize.STRETCH),
        because="the convention of RT-DETR: stretched to the network's size, RGB 0 to 1",
        rank=2,
    )

    def layout(self, kind: HeadKind, outputs: Sequence[TensorInfo], *, width: int, height: int) -> HeadLayout:
        """See `HeadFamily.layout`."""
        is_finished = kind is HeadKind.RTDETR_END_TO_END
        expected = f"float [1, queries, {'6' if is_finished else '4 + classes'}]"
        output, sizes = single_output(outputs, expected)
        fits = len(sizes) == 3 and sizes[0] == 1 and (sizes[2] == 6 if is_finished else sizes[2] >= 5)
        if not output.is_float or not fits:
            raise LayoutMismatch(expected, str(output))
        if is_finished:
            return HeadLayout(classes=None, words=f"{sizes[1]} rows of box, score and class number")
        return HeadLayout(classes=sizes[2] - 4, words=f"4 + {sizes[2] - 4} classes for {sizes[1]} queries")

    def claims(self, evidence: Evidence) -> Iterable[HeadClaim]:
        """See `HeadFamily.claims`."""
        for output, kind, layout in self.fitting(evidence, self.kinds):
            judged = _judge(evidence, output, kind)
            if judged is not None:
                certainty, reason = judged
                yield HeadClaim(
                    kinds=(kind,), outputs=(output.name,), certainty=certainty, layout=layout, reason=reason
                )


def _judge(evidence: Evidence, output: TensorInfo, kind: HeadKind) -> tuple[Certainty, str] | None:
    seen = _kind_by_graph(evidence.model, output.name)
    facts = evidence.exporter
    if seen is not None:
        if kind is not seen:
            return None
        if facts.exporter == "Ultralytics" and facts.task == "detect":
            return Certainty.METADATA, f"boxes out of Sigmoid; {facts}"
        return Certainty.GRAPH, "boxes out of Sigmoid, as fractions of the image: RT-DETR"
    if facts.exporter == "Ultralytics" and facts.head == "RTDETRDecoder":
        classes = (output.sizes or ())[2] - 4
        if kind is HeadKind.RTDETR and facts.labels and len(facts.labels) != classes:
            return None
        return Certainty.METADATA, f"{facts}, head=RTDETRDecoder"
    return _judge_by_shape(evidence, output)


def _judge_by_shape(evidence: Evidence, output: TensorInfo) -> tuple[Certainty, str] | None:
    """A number of queries is a hint only, and none at all where boxes stand in another output."""
    queries = (output.sizes or (0, 0))[1]
    boxes = any(other.is_float and other.sizes == (1, queries, 4) for other in evidence.outputs)
    is_grid = any(
        find_grid(queries, width=evidence.width, height=evidence.height, anchors=anchors) is not None
        for anchors in (1, 3)
    )
    if queries not in USUAL_QUERIES or boxes or is_grid:
        return None
    return Certainty.POSSIBLE, f"{queries} rows are a number of queries, but the operators before it tell no more"


def _kind_by_graph(model: OnnxModel, output: str) -> HeadKind | None:
    """What the Concat that puts box columns and others together says; None where it says nothing."""
    node = source(model, output)
    while node is not None and node.op_type == "Concat" and len(node.inputs) == 1:
        node = source(model, node.inputs[0])
    if node is None or node.op_type != "Concat" or node.axis not in (-1, 2) or not is_sigmoid(model, node.inputs[0]):
        return None
    columns = model.value_shapes.get(node.inputs[0], ("?",))[-1:]
    if columns != (4,) and not all(isinstance(size, str) for size in columns):  # inference may only have a symbol
        return None
    if len(node.inputs) == 2 and is_sigmoid(model, node.inputs[1]):
        return HeadKind.RTDETR
    return HeadKind.RTDETR_END_TO_END if len(node.inputs) == 3 else None
