"""DETR and its successors as trained: class logits of every query in one output, boxes in another."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from trt_perception.model.families.cell_grid import find_grid
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

_NAMES = (("labels", "dets"), ("pred_logits", "pred_boxes"), ("logits", "pred_boxes"))
"""Logits and boxes as RF-DETR's export, the original repositories and Hugging Face name them."""

_IMAGENET = PreprocessOptions(resize=Resize.STRETCH, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))
_RF_DETR = PreprocessDefault(
    options=_IMAGENET, because="the convention of RF-DETR: stretched, ImageNet mean and deviation", rank=2
)
_DETR = PreprocessDefault(
    options=_IMAGENET, because="the convention of DETR (ImageNet mean and deviation), stretched", rank=2
)


class DetrFamily(HeadFamily):
    """Recognised by the outputs' names; which arithmetic makes scores of the logits, only RF-DETR's names tell.

    Sigmoid: every class of every query is a candidate (Deformable DETR, arXiv 2010.04159, and RT-DETR, D-FINE, RF-DETR
    after it). Softmax: one class a query, the last one meaning "no object" (DETR, arXiv 2005.12872).
    """

    kinds = (HeadKind.DETR_SIGMOID, HeadKind.DETR_SOFTMAX)
    preprocess = PreprocessDefault(
        options=PreprocessOptions(resize=Resize.STRETCH),
        because="the convention of RT-DETR and D-FINE: stretched to the network's size, RGB 0 to 1",
        rank=2,
    )

    def layout(self, kind: HeadKind, outputs: Sequence[TensorInfo], *, width: int, height: int) -> HeadLayout:
        """See `HeadFamily.layout`."""
        least = 1 if kind is HeadKind.DETR_SIGMOID else 2
        columns = "classes" if kind is HeadKind.DETR_SIGMOID else "classes + 1"
        expected = f"float [1, queries, {columns}] and boxes [1, queries, 4]"
        if len(outputs) != 2:
            raise LayoutMismatch(f"two outputs, {expected}", "; ".join(map(str, outputs)))
        logits, boxes = (output.sizes or () for output in outputs)
        fits = len(logits) == 3 and logits[0] == 1 and logits[2] >= least and boxes == (1, logits[1], 4)
        if not fits or not all(output.is_float for output in outputs):
            raise LayoutMismatch(expected, "; ".join(map(str, outputs)))
        if kind is HeadKind.DETR_SIGMOID:
            return HeadLayout(classes=logits[2], words=f"{logits[2]} classes for {logits[1]} queries")
        classes = logits[2] - 1
        return HeadLayout(classes=classes, words=f"{classes} classes and no object for {logits[1]} queries")

    def joined(self, kind: HeadKind, output: TensorInfo, evidence: Evidence) -> Sequence[TensorInfo]:
        """See `HeadFamily.joined`."""
        pairs = [pair for pair in raw_pairs(evidence) if output in pair]
        return pairs[0] if pairs else (output,)

    def claims(self, evidence: Evidence) -> Iterable[HeadClaim]:
        """See `HeadFamily.claims`."""
        for pair in raw_pairs(evidence):
            names = (pair[0].name, pair[1].name)
            certainty, reason = _judge(evidence, names)
            usual = {HeadKind.DETR_SIGMOID: None, HeadKind.DETR_SOFTMAX: _DETR}
            if names == _NAMES[0]:
                usual = {HeadKind.DETR_SIGMOID: _RF_DETR}
            for kind, preprocess in usual.items():
                try:
                    layout = self.layout(kind, pair, width=evidence.width, height=evidence.height)
                except LayoutMismatch:
                    continue
                yield HeadClaim(
                    kinds=(kind,),
                    outputs=names,
                    certainty=certainty,
                    layout=layout,
                    reason=reason,
                    preprocess=preprocess,
                )


def _judge(evidence: Evidence, names: tuple[str, str]) -> tuple[Certainty, str]:
    if names == _NAMES[0]:
        return Certainty.GRAPH, "outputs named as RF-DETR's export names them"
    reason = "scores are sigmoids (RT-DETR, D-FINE, Deformable DETR) or a softmax with a class for no object (DETR)"
    if any(node.op_type == "TopK" for node in evidence.model.nodes):
        reason += "; the graph chooses queries by TopK, which models with sigmoids do"
    return Certainty.POSSIBLE, reason


def raw_pairs(evidence: Evidence) -> Iterator[tuple[TensorInfo, TensorInfo]]:
    """Logits and boxes of queries: by name where names are known, else by shape where only one pair fits."""
    pairs = [
        (logits, boxes)
        for boxes in evidence.outputs
        for logits in evidence.outputs
        if logits is not boxes and _is_pair(evidence, logits, boxes)
    ]
    named = [pair for pair in pairs if (pair[0].name, pair[1].name) in _NAMES]
    if named or len(pairs) == 1:
        yield from (named or pairs)[:1]


def _is_pair(evidence: Evidence, logits: TensorInfo, boxes: TensorInfo) -> bool:
    scores, corners = logits.sizes or (), boxes.sizes or ()
    if not (logits.is_float and boxes.is_float and len(scores) == 3 and corners == (1, scores[1], 4)):
        return False
    grids = (find_grid(scores[1], width=evidence.width, height=evidence.height, anchors=count) for count in (1, 3))
    return not any(grids) and not _is_activated(evidence.model, logits.name)


def _is_activated(model: OnnxModel, output: str) -> bool:
    """Whether the scores went through Sigmoid or Softmax already: no logits."""
    node = source(model, output)
    return node is not None and node.op_type in ("Sigmoid", "Softmax")
