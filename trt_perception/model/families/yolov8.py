"""YOLOv8, 9, 11, 12: one output [1, 4 + classes, n], boxes decoded to network pixels by the model itself."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from trt_perception.model.families.cell_grid import find_grid
from trt_perception.model.families.graph_patterns import column_concats, is_sigmoid
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
from trt_perception.model.preprocess_options import PreprocessOptions
from trt_perception.model.tensor_info import TensorInfo


class Yolov8Family(HeadFamily):
    """Recognised by the exporter's task=detect, or by a last Concat of boxes and Sigmoid scores.

    Pose, oriented-box and instance heads have the same shape with more rows; their last Concat has other parts.
    Source: https://github.com/ultralytics/ultralytics, nn/modules/head.py and engine/exporter.py.
    """

    kinds = (HeadKind.YOLOV8,)
    preprocess = PreprocessDefault(
        options=PreprocessOptions(), because="the convention of Ultralytics models and of YOLOv9", rank=2
    )

    def layout(self, kind: HeadKind, outputs: Sequence[TensorInfo], *, width: int, height: int) -> HeadLayout:
        """See `HeadFamily.layout`."""
        expected = f"float [1, 4 + classes, n] with n the cells of {width}x{height}"
        output, sizes = single_output(outputs, expected)
        if not output.is_float or len(sizes) != 3 or sizes[1] < 5:
            raise LayoutMismatch(expected, str(output))
        cells = find_grid(sizes[2], width=width, height=height)
        if cells is None:
            raise LayoutMismatch(expected, str(output))
        return HeadLayout(classes=sizes[1] - 4, strides=cells.strides, words=f"4 + {sizes[1] - 4} classes over {cells}")

    def claims(self, evidence: Evidence) -> Iterable[HeadClaim]:
        """See `HeadFamily.claims`."""
        for output, _, layout in self.fitting(evidence, self.kinds):
            certainty, reason = _judge(evidence, output.name)
            yield HeadClaim(kinds=self.kinds, outputs=(output.name,), certainty=certainty, layout=layout, reason=reason)


def _judge(evidence: Evidence, output: str) -> tuple[Certainty, str]:
    facts = evidence.exporter
    if facts.exporter == "Ultralytics" and facts.task == "detect" and not facts.end_to_end:
        return Certainty.METADATA, str(facts)
    if _joins_boxes_and_scores(evidence.model, output):
        return Certainty.GRAPH, "boxes and Sigmoid scores joined last: YOLOv8 and its successors"
    return Certainty.POSSIBLE, "the operators before it are not those of a YOLOv8 head"


def _joins_boxes_and_scores(model: OnnxModel, output: str) -> bool:
    concats = column_concats(model, output, parts=2)
    if concats is None or len(concats) != 1:
        return False
    boxes, scores = concats[0].inputs
    return is_sigmoid(model, scores) and not is_sigmoid(model, boxes)
