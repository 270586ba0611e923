"""YOLOv8-seg, YOLO11-seg: [1, 4 + classes + k, n] with k mask coefficients a box, and prototypes [1, k, h, w]."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby, permutations

from trt_perception.model.families.cell_grid import find_grid
from trt_perception.model.families.graph_patterns import column_concats, is_sigmoid, joined_parts
from trt_perception.model.families.head_family import (
    Certainty,
    Evidence,
    HeadClaim,
    HeadFamily,
    HeadLayout,
    LayoutMismatch,
    PreprocessDefault,
)
from trt_perception.model.model_spec import HeadKind
from trt_perception.model.onnx_model import OnnxModel
from trt_perception.model.preprocess_options import PreprocessOptions
from trt_perception.model.tensor_info import TensorInfo


class Yolov8SegFamily(HeadFamily):
    """Recognised by the exporter's task=segment, or by a last Concat of boxes, Sigmoid scores and coefficients.

    Source: https://github.com/ultralytics/ultralytics, nn/modules/head.py (Segment) and engine/exporter.py.
    """

    kinds = (HeadKind.YOLOV8_SEG,)
    preprocess = PreprocessDefault(options=PreprocessOptions(), because="the convention of Ultralytics models", rank=2)

    def layout(self, kind: HeadKind, outputs: Sequence[TensorInfo], *, width: int, height: int) -> HeadLayout:
        """See `HeadFamily.layout`."""
        expected = f"float [1, 4 + classes + k, n] with n the cells of {width}x{height}, and float [1, k, h, w]"
        got = "; ".join(map(str, outputs))
        if len(outputs) != 2 or not all(output.is_float for output in outputs):
            raise LayoutMismatch(expected, got)
        boxes, prototypes = outputs[0].sizes or (), outputs[1].sizes or ()
        if len(boxes) != 3 or len(prototypes) != 4 or boxes[1] < 5 + prototypes[1]:
            raise LayoutMismatch(expected, got)
        cells = find_grid(boxes[2], width=width, height=height)
        if cells is None or width * prototypes[2] != height * prototypes[3]:
            raise LayoutMismatch(expected, got)
        masks, rows, columns = prototypes[1:]
        classes = boxes[1] - 4 - masks
        words = f"4 + {classes} classes + {masks} mask coefficients over {cells}, prototypes on {columns}x{rows} cells"
        return HeadLayout(classes=classes, strides=cells.strides, words=words)

    def joined(self, kind: HeadKind, output: TensorInfo, evidence: Evidence) -> Sequence[TensorInfo]:
        """See `HeadFamily.joined`."""
        tensors = {tensor.name: tensor for tensor in evidence.outputs}
        pairs = [claim.outputs for claim in self.claims(evidence) if output.name in claim.outputs]
        return [tensors[name] for name in pairs[0]] if pairs else (output,)

    def claims(self, evidence: Evidence) -> Iterable[HeadClaim]:
        """See `HeadFamily.claims`."""
        for boxes, prototypes in permutations(evidence.outputs, 2):
            try:
                layout = self.layout(
                    HeadKind.YOLOV8_SEG, [boxes, prototypes], width=evidence.width, height=evidence.height
                )
            except LayoutMismatch:
                continue
            if column_concats(evidence.model, boxes.name, parts=2) is not None:
                continue  # boxes and scores fill it: detection beside a map of its own
            certainty, reason = _judge(evidence, boxes.name)
            yield HeadClaim(
                kinds=self.kinds,
                outputs=(boxes.name, prototypes.name),
                certainty=certainty,
                layout=layout,
                reason=reason,
            )


def _judge(evidence: Evidence, output: str) -> tuple[Certainty, str]:
    facts = evidence.exporter
    if facts.exporter == "Ultralytics" and facts.task == "segment" and not facts.end_to_end:
        return Certainty.METADATA, str(facts)
    if _joins_coefficients(evidence.model, output):
        return Certainty.GRAPH, "boxes, Sigmoid scores and coefficients joined last: YOLOv8-seg and its successors"
    return Certainty.POSSIBLE, "the operators before it are not those of a YOLOv8-seg head"


def _joins_coefficients(model: OnnxModel, output: str) -> bool:
    """Whether scores out of Sigmoid stand between boxes and coefficients, neither of which do."""
    kinds = [kind for kind, _ in groupby(is_sigmoid(model, part) for part in joined_parts(model, output))]
    return kinds == [False, True, False]
