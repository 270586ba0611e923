"""The four outputs of TensorRT's EfficientNMS plugin, as YOLOv7 and its successors export them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

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
from trt_perception.model.onnx_model import OnnxNode
from trt_perception.model.preprocess_options import PreprocessOptions
from trt_perception.model.tensor_info import TensorInfo

_PLUGIN = "EfficientNMS_TRT"

_NAMES = ("num_dets", "det_boxes", "det_scores", "det_classes")
"""Of the exporters whose boxes are x1 y1 x2 y2 in network pixels. TensorFlow's, y1 x1 y2 x2 from 0 to 1, say
`detection_boxes`."""

_TENSORFLOW = "detection_boxes"

_EXPECTED = "whole [1, 1], float [1, n, 4], float [1, n] and whole [1, n]: count, boxes, scores, classes"


class EfficientNmsFamily(HeadFamily):
    """Recognised by the plugin or the outputs' names; the shapes alone do not tell pixels from fractions.

    Source: https://github.com/NVIDIA/TensorRT, plugin/efficientNMSPlugin/README.md;
    https://github.com/WongKinYiu/yolov7, export.py.
    """

    kinds = (HeadKind.EFFICIENT_NMS,)
    preprocess = PreprocessDefault(
        options=PreprocessOptions(), because="the convention of the YOLO models that are exported so", rank=2
    )

    def layout(self, kind: HeadKind, outputs: Sequence[TensorInfo], *, width: int, height: int) -> HeadLayout:
        """See `HeadFamily.layout`."""
        if len(outputs) != 4:
            raise LayoutMismatch(_EXPECTED, f"{len(outputs)} outputs")
        rows = (outputs[1].sizes or (0, 0))[1] if len(outputs[1].sizes or ()) == 3 else 0
        shapes = [(1, 1), (1, rows, 4), (1, rows), (1, rows)]
        floats = [False, True, True, False]
        for output, shape, is_float in zip(outputs, shapes, floats, strict=True):
            if output.sizes != shape or output.is_float != is_float or output.is_integer == is_float:
                raise LayoutMismatch(_EXPECTED, "; ".join(map(str, outputs)))
        return HeadLayout(classes=None, words=f"count, boxes, scores and classes of at most {rows} finished boxes")

    def joined(self, kind: HeadKind, output: TensorInfo, evidence: Evidence) -> Sequence[TensorInfo]:
        """See `HeadFamily.joined`."""
        outputs = _outputs(evidence)
        if output not in outputs:
            raise LayoutMismatch(_EXPECTED, str(output))
        return outputs

    def claims(self, evidence: Evidence) -> Iterable[HeadClaim]:
        """See `HeadFamily.claims`."""
        outputs = _outputs(evidence)
        try:
            layout = self.layout(HeadKind.EFFICIENT_NMS, outputs, width=evidence.width, height=evidence.height)
        except LayoutMismatch:
            return
        certainty, reason = _judge(evidence, outputs)
        classes = _classes(evidence)
        if classes is not None:
            layout = HeadLayout(classes=classes, words=f"{layout.words}, {classes} classes")
        names = tuple(output.name for output in outputs)
        yield HeadClaim(kinds=self.kinds, outputs=names, certainty=certainty, layout=layout, reason=reason)


def _outputs(evidence: Evidence) -> tuple[TensorInfo, ...]:
    """The four in the family's order, by the plugin, by name or by shape; fewer where some are not there."""
    known = {output.name: output for output in evidence.outputs}
    node = _plugin(evidence)
    for names in (node.outputs if node is not None else (), _NAMES):
        if names and all(name in known for name in names):
            return tuple(known[name] for name in names)
    shapes = (
        [output for output in evidence.outputs if output.is_integer and output.sizes == (1, 1)],
        [output for output in evidence.outputs if output.is_float and (output.sizes or ())[2:] == (4,)],
        [output for output in evidence.outputs if output.is_float and len(output.sizes or ()) == 2],
        [output for output in evidence.outputs if output.is_integer and len(output.sizes or ()) == 2],
    )
    count, boxes, scores, classes = shapes
    classes = [output for output in classes if output not in count] or classes
    found = (count, boxes, scores, classes)
    return tuple(outputs[0] for outputs in found if len(outputs) == 1)


def _plugin(evidence: Evidence) -> OnnxNode | None:
    makers = (evidence.model.maker(output.name) for output in evidence.outputs)
    return next((node for node in makers if node is not None and node.op_type == _PLUGIN), None)


def _judge(evidence: Evidence, outputs: Sequence[TensorInfo]) -> tuple[Certainty, str]:
    names = tuple(output.name for output in outputs)
    if names == _NAMES:
        return Certainty.GRAPH, "the names that YOLOv7 and its successors give them"
    if _TENSORFLOW in names:
        return Certainty.POSSIBLE, "the names are TensorFlow's, whose boxes are y1 x1 y2 x2 from 0 to 1"
    if _plugin(evidence) is not None:
        return Certainty.GRAPH, f"made by {_PLUGIN}"
    return Certainty.POSSIBLE, "nothing tells whether its boxes are x1 y1 x2 y2 in network pixels"


def _classes(evidence: Evidence) -> int | None:
    """Columns of the plugin's scores [1, cells, classes], where shape inference knows them."""
    node = _plugin(evidence)
    shape = evidence.model.value_shapes.get(node.inputs[1], ()) if node is not None and len(node.inputs) > 1 else ()
    return shape[2] if len(shape) == 3 and isinstance(shape[2], int) else None
