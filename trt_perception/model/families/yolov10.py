"""YOLOv10, YOLO26 and exports with nms=True: one output [1, n, 6] of finished boxes."""

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
from trt_perception.model.onnx_model import OnnxModel, OnnxNode
from trt_perception.model.preprocess_options import PreprocessOptions
from trt_perception.model.tensor_info import TensorInfo

_RT_DETR = "RTDETRDecoder"

_PICKS = frozenset({"GatherElements", "Gather", "GatherND", "Split", "Slice"})
"""Operators that choose among rows or columns; only their first input is data."""


class Yolov10Family(HeadFamily):
    """Recognised by the exporter's metadata, or by corners times strides, of which the best are picked.

    Newer exports of RT-DETR have the same shape and another meaning (centres from 0 to 1), so the shape is not enough.
    Source: https://github.com/ultralytics/ultralytics, nn/modules/head.py (Detect.postprocess), engine/exporter.py.
    """

    kinds = (HeadKind.YOLOV10,)
    preprocess = PreprocessDefault(
        options=PreprocessOptions(), because="the convention of Ultralytics models and of YOLOv10", rank=2
    )

    def layout(self, kind: HeadKind, outputs: Sequence[TensorInfo], *, width: int, height: int) -> HeadLayout:
        """See `HeadFamily.layout`."""
        expected = "float [1, n, 6], x1 y1 x2 y2 in network pixels, score and class of n boxes"
        output, sizes = single_output(outputs, expected)
        if not output.is_float or len(sizes) != 3 or sizes[0] != 1 or sizes[2] != 6:
            raise LayoutMismatch(expected, str(output))
        return HeadLayout(classes=None, words=f"{sizes[1]} finished boxes of 6 values")

    def claims(self, evidence: Evidence) -> Iterable[HeadClaim]:
        """See `HeadFamily.claims`."""
        for output, _, layout in self.fitting(evidence, self.kinds):
            certainty, reason = _judge(evidence, output)
            if certainty is not None:
                yield HeadClaim(
                    kinds=self.kinds, outputs=(output.name,), certainty=certainty, layout=layout, reason=reason
                )


def _judge(evidence: Evidence, output: TensorInfo) -> tuple[Certainty | None, str]:
    facts = evidence.exporter
    if facts.exporter == "Ultralytics" and facts.task == "detect":
        if facts.head == _RT_DETR:
            return None, ""
        if facts.end_to_end:
            return Certainty.METADATA, f"{facts}: x1 y1 x2 y2 in network pixels, score, class"
    if _picks_corners(evidence.model, output.name):
        return Certainty.GRAPH, "the best of corners times strides, scores from Sigmoid: YOLOv10 and its successors"
    if _is_grid(evidence, output):
        return None, ""  # one class over every cell: a detector before NMS
    return Certainty.POSSIBLE, "nothing tells whether its boxes are x1 y1 x2 y2 in network pixels"


def _is_grid(evidence: Evidence, output: TensorInfo) -> bool:
    count = (output.sizes or (0, 0))[1]
    return any(find_grid(count, width=evidence.width, height=evidence.height, anchors=anchors) for anchors in (1, 3))


def _picks_corners(model: OnnxModel, output: str) -> bool:
    """Whether the first columns come, by picking alone, from corners times strides joined with Sigmoid scores."""
    last = source(model, output)
    joined = _picked(model, last.inputs[0]) if last is not None and last.op_type == "Concat" else None
    if (
        joined is None
        or joined.op_type != "Concat"
        or len(joined.inputs) != 2
        or not is_sigmoid(model, joined.inputs[1])
    ):
        return False
    pixels = source(model, joined.inputs[0])
    if pixels is None or pixels.op_type != "Mul":
        return False
    corners = source(model, pixels.inputs[0])
    if corners is None or corners.op_type != "Concat":
        return False
    return [node.op_type for part in corners.inputs if (node := source(model, part)) is not None] == ["Sub", "Add"]


def _picked(model: OnnxModel, tensor: str) -> OnnxNode | None:
    """The node whose rows or columns a tensor holds some of."""
    seen: set[str] = set()  # a damaged file may lead in a circle
    node = source(model, tensor)
    while node is not None and node.op_type in _PICKS:
        name = node.inputs[0] if node.inputs else ""
        if name in seen:
            return None
        seen.add(name)
        node = source(model, name)
    return node
