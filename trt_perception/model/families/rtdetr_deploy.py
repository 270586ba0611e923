"""RT-DETR, D-FINE and DEIM with their own post-processing inside: labels, boxes and scores of the best queries."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from trt_perception.model.families.graph_patterns import source
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
from trt_perception.model.preprocess_options import PreprocessOptions, Resize
from trt_perception.model.tensor_info import TensorInfo

_NAMES = ("labels", "boxes", "scores")


class RtdetrDeployFamily(HeadFamily):
    """Recognised by the outputs' names, and by the product of boxes and image size that ends them.

    The size is an input of the deployed graph, `orig_target_sizes`; with the network's size in its place as a constant,
    boxes come in network pixels. Source: https://github.com/lyuwenyu/RT-DETR, rtdetrv2_pytorch/tools/export_onnx.py.
    """

    kinds = (HeadKind.RTDETR_DEPLOY,)
    preprocess = PreprocessDefault(
        options=PreprocessOptions(resize=Resize.STRETCH),
        because="the convention of RT-DETR and D-FINE: stretched to the network's size, RGB 0 to 1",
        rank=2,
    )

    def layout(self, kind: HeadKind, outputs: Sequence[TensorInfo], *, width: int, height: int) -> HeadLayout:
        """See `HeadFamily.layout`."""
        expected = "labels, whole numbers [1, k], float boxes [1, k, 4] and float scores [1, k]"
        got = "; ".join(map(str, outputs))
        if len(outputs) != 3:
            raise LayoutMismatch(f"three outputs, {expected}", got)
        labels, boxes, scores = outputs
        sizes = labels.sizes or ()
        fits = len(sizes) == 2 and sizes[0] == 1 and boxes.sizes == (*sizes, 4) and scores.sizes == sizes
        if not fits or not labels.is_integer or not boxes.is_float or not scores.is_float:
            raise LayoutMismatch(expected, got)
        return HeadLayout(classes=None, words=f"{sizes[1]} boxes with class number and score")

    def joined(self, kind: HeadKind, output: TensorInfo, evidence: Evidence) -> Sequence[TensorInfo]:
        """See `HeadFamily.joined`."""
        outputs = _named(evidence)
        return outputs if output in outputs else (output,)

    def claims(self, evidence: Evidence) -> Iterable[HeadClaim]:
        """See `HeadFamily.claims`."""
        try:
            layout = self.layout(HeadKind.RTDETR_DEPLOY, _named(evidence), width=evidence.width, height=evidence.height)
        except LayoutMismatch:
            return
        certainty, reason = Certainty.POSSIBLE, "named as RT-DETR's, but boxes are no product with an image size"
        if _is_product(evidence.model, "boxes"):
            certainty, reason = Certainty.GRAPH, "boxes multiplied by a size, named as RT-DETR's deployment names them"
        yield HeadClaim(kinds=self.kinds, outputs=_NAMES, certainty=certainty, layout=layout, reason=reason)


def _named(evidence: Evidence) -> Sequence[TensorInfo]:
    outputs = {output.name: output for output in evidence.outputs}
    return [outputs[name] for name in _NAMES if name in outputs]


def _is_product(model: OnnxModel, tensor: str) -> bool:
    """Whether values are products, of which the best may have been chosen afterwards."""
    seen: set[str] = set()  # a damaged file may lead in a circle
    node = source(model, tensor)
    while node is not None and node.op_type in ("Gather", "GatherElements", "GatherND") and tensor not in seen:
        seen.add(tensor)
        tensor = node.inputs[0]
        node = source(model, tensor)
    return node is not None and node.op_type == "Mul"
