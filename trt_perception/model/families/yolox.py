"""YOLOX: one output [1, n, 5 + classes], boxes in grid units or decoded by the model itself."""

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
from trt_perception.model.preprocess_options import ChannelOrder, PreprocessOptions, Resize
from trt_perception.model.tensor_info import TensorInfo

_SOFTMAX = frozenset({"Softmax", "ReduceSum", "ReduceMax"})
"""Signs that an Exp belongs to a softmax, also a decomposed one: distributions over distances, not YOLOX."""

_BOTH = (HeadKind.YOLOX, HeadKind.YOLOX_DECODED)


class YoloxFamily(HeadFamily):
    """Recognised by what stands between the last convolutions and the output, since the two kinds have one shape.

    Undecoded: nothing but Sigmoid on objectness and classes, joined behind the box columns. Decoded: Exp, Mul and Add.
    Source: https://github.com/Megvii-BaseDetection/YOLOX, yolox/models/yolo_head.py.
    """

    kinds = _BOTH
    preprocess = PreprocessDefault(
        options=PreprocessOptions(
            resize=Resize.LETTERBOX_TOP_LEFT, channel_order=ChannelOrder.BGR, scale=1.0, pad_value=114
        ),
        because="the convention of YOLOX exports (early ones, called legacy, took ImageNet-normalised RGB)",
        rank=2,
    )

    def layout(self, kind: HeadKind, outputs: Sequence[TensorInfo], *, width: int, height: int) -> HeadLayout:
        """See `HeadFamily.layout`."""
        expected = f"float [1, n, 5 + classes] with n the cells of {width}x{height}"
        return objectness_layout(outputs, expected, width=width, height=height)

    def claims(self, evidence: Evidence) -> Iterable[HeadClaim]:
        """See `HeadFamily.claims`."""
        for output, _, layout in self.fitting(evidence, self.kinds[:1]):
            kinds, certainty, reason = _judge(evidence.model, output.name)
            yield HeadClaim(kinds=kinds, outputs=(output.name,), certainty=certainty, layout=layout, reason=reason)


def _judge(model: OnnxModel, output: str) -> tuple[tuple[HeadKind, ...], Certainty, str]:
    if _is_undecoded(model, output):
        reason = "box columns straight from convolutions, Sigmoid on the others: undecoded YOLOX"
        return (HeadKind.YOLOX,), Certainty.GRAPH, reason
    arithmetic = model.operators_behind(output, until=LEARNED)
    if {"Exp", "Mul", "Add", "Sigmoid"} <= arithmetic and arithmetic.isdisjoint(_SOFTMAX):
        return (HeadKind.YOLOX_DECODED,), Certainty.GRAPH, "Exp, Mul and Add on the box columns: YOLOX decoded inside"
    return _BOTH, Certainty.POSSIBLE, "the operators before it are not those of a YOLOX head"


def _is_undecoded(model: OnnxModel, output: str) -> bool:
    """Whether every scale joins box columns from a convolution with objectness and classes from Sigmoid."""
    concats = column_concats(model, output, parts=3)
    for concat in concats or ():
        box = source(model, concat.inputs[0])
        if box is None or box.op_type not in LEARNED or not all(is_sigmoid(model, part) for part in concat.inputs[1:]):
            return False
    return bool(concats)
