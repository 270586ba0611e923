"""Semantic segmentation: a score a class for every cell, or the class itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from trt_perception.model.families.graph_patterns import LEARNED, is_sigmoid, source
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
from trt_perception.model.families.map_names import road_part
from trt_perception.model.model_spec import HeadKind
from trt_perception.model.onnx_model import OnnxModel
from trt_perception.model.preprocess_options import PreprocessOptions, Resize
from trt_perception.model.tensor_info import TensorInfo

MAX_CLASSES = 255
"""A mask has one byte a pixel, and 255 means unlabelled."""


_ULTRALYTICS = PreprocessDefault(options=PreprocessOptions(), because="the convention of Ultralytics models", rank=2)
_YOLOP = PreprocessDefault(
    options=PreprocessOptions(mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225)),
    because="the convention of YOLOP models",
    rank=3,
)
_TWINLITENET = PreprocessDefault(
    options=PreprocessOptions(resize=Resize.STRETCH), because="the convention of TwinLiteNet models", rank=3
)
_NAMED: Mapping[frozenset[str], PreprocessDefault] = {
    frozenset({"drive_area_seg", "lane_line_seg"}): _YOLOP,
    frozenset({"da", "ll"}): _TWINLITENET,
}
"""How models see images whose exporters give these names to their masks."""


class SemanticFamily(HeadFamily):
    """Recognised by the exporter's task=semantic, by an ArgMax, or by shape where only one output is like that.

    Two maps are two heads where their names say drivable area and lane lines. One plane of numbers may be a mask or
    anything else, so that the user has to say it.

    The preprocessing is only the commonest one (ImageNet mean and deviation on 0 to 1, as in torchvision and
    MMSegmentation): nothing in such a model tells it.
    """

    kinds = (HeadKind.SEMANTIC_LOGITS, HeadKind.SEMANTIC_CLASS_IDS, HeadKind.BINARY_MASK)
    preprocess = PreprocessDefault(
        options=PreprocessOptions(resize=Resize.STRETCH, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225)),
        because="the commonest choice for segmentation (ImageNet mean and deviation)",
        rank=1,
    )

    def layout(self, kind: HeadKind, outputs: Sequence[TensorInfo], *, width: int, height: int) -> HeadLayout:
        """See `HeadFamily.layout`."""
        if kind is HeadKind.SEMANTIC_LOGITS:
            return _logits_layout(outputs, width, height)
        if kind is HeadKind.BINARY_MASK:
            return _binary_layout(outputs, width, height)
        return _class_ids_layout(outputs, width, height)

    def claims(self, evidence: Evidence) -> Iterable[HeadClaim]:
        """See `HeadFamily.claims`."""
        for output, kind, layout in self.fitting(evidence, self.kinds):
            if not _has_other_activation(evidence, output, kind):
                yield _claim(evidence, output, kind, layout)


def _claim(evidence: Evidence, output: TensorInfo, kind: HeadKind, layout: HeadLayout) -> HeadClaim:
    certainty, reason = Certainty.SHAPE, "taken as class scores from its shape alone"
    if kind is HeadKind.SEMANTIC_CLASS_IDS:
        reason = "taken as class ids from its shape and type alone"
        if "ArgMax" in evidence.model.operators_behind(output.name, until=LEARNED):
            certainty, reason = Certainty.GRAPH, "ArgMax in the model"
            classes = _argmax_classes(evidence.model, output.name)
            layout = HeadLayout(classes=classes, words=layout.words + (f", ArgMax over {classes}" if classes else ""))
    elif output.sizes is not None and output.sizes[1] == 1:
        certainty, reason = Certainty.POSSIBLE, "one plane, which may be a mask of two classes"
    elif _is_one_of_two(evidence, output):
        certainty, reason = Certainty.GRAPH, f"its name says {road_part(output.name)}"
    preprocess = _NAMED.get(frozenset(item.name for item in evidence.outputs if len(item.shape or ()) == 4))
    if evidence.exporter.exporter == "Ultralytics" and evidence.exporter.task == "semantic":
        certainty, reason, preprocess = Certainty.METADATA, str(evidence.exporter), _ULTRALYTICS
    return HeadClaim(
        kinds=(kind,),
        outputs=(output.name,),
        certainty=certainty,
        layout=layout,
        reason=reason,
        preprocess=preprocess,
    )


def _has_other_activation(evidence: Evidence, output: TensorInfo, kind: HeadKind) -> bool:
    """Whether one plane is behind a Sigmoid where the kind wants logits, or the other way round."""
    if output.is_integer or output.sizes is None or output.sizes[1] != 1:
        return False
    return is_sigmoid(evidence.model, output.name) is not (kind is HeadKind.BINARY_MASK)


def _is_one_of_two(evidence: Evidence, output: TensorInfo) -> bool:
    """Whether an output is one of two maps, whose names say drivable area and lane lines."""
    parts = [road_part(item.name) for item in _road_maps(evidence)]
    return len(parts) == 2 and set(parts) == {"drivable area", "lane lines"} and output in _road_maps(evidence)


def _road_maps(evidence: Evidence) -> list[TensorInfo]:
    """The outputs whose names say which part of the road they show."""
    return [item for item in evidence.outputs if item.is_float and len(item.sizes or ()) == 4 and road_part(item.name)]


def _argmax_classes(model: OnnxModel, output: str) -> int | None:
    """Number of classes that the model's own ArgMax chooses from, where shape inference knows it."""
    node = source(model, output)
    if node is None or node.op_type != "ArgMax":
        return None
    scores = model.value_shapes.get(node.inputs[0], ())
    axis = node.axis or 0
    classes = scores[axis] if -len(scores) <= axis < len(scores) else None
    return classes if isinstance(classes, int) else None


def _logits_layout(outputs: Sequence[TensorInfo], width: int, height: int) -> HeadLayout:
    expected = f"float [1, classes, h, w] with 1 to {MAX_CLASSES} classes, h and w {height} and {width} by one stride"
    output, sizes = single_output(outputs, expected)
    if not output.is_float or len(sizes) != 4 or sizes[1] > MAX_CLASSES:
        raise LayoutMismatch(expected, str(output))
    stride = stride_of(sizes[2:], width, height)
    if stride is None:
        raise LayoutMismatch(expected, str(output))
    classes = max(2, sizes[1])  # the logit of one plane is for the second of two
    return HeadLayout(classes=classes, words=f"{classes} classes on {sizes[3]}x{sizes[2]} cells, stride {stride}")


def _binary_layout(outputs: Sequence[TensorInfo], width: int, height: int) -> HeadLayout:
    expected = f"float [1, 1, h, w], h and w {height} and {width} by one stride"
    output, sizes = single_output(outputs, expected)
    stride = stride_of(sizes[2:], width, height) if output.is_float and len(sizes) == 4 and sizes[1] == 1 else None
    if stride is None:
        raise LayoutMismatch(expected, str(output))
    return HeadLayout(classes=2, words=f"yes or no on {sizes[3]}x{sizes[2]} cells, stride {stride}")


def _class_ids_layout(outputs: Sequence[TensorInfo], width: int, height: int) -> HeadLayout:
    expected = f"whole numbers [1, h, w] or [1, 1, h, w], h and w {height} and {width} by one stride"
    output, sizes = single_output(outputs, expected)
    has_rank = len(sizes) == 3 or (len(sizes) == 4 and sizes[1] == 1)
    if not output.is_integer or not has_rank:
        raise LayoutMismatch(expected, str(output))
    stride = stride_of(sizes[-2:], width, height)
    if stride is None:
        raise LayoutMismatch(expected, str(output))
    return HeadLayout(classes=None, words=f"class ids on {sizes[-1]}x{sizes[-2]} cells, stride {stride}")


def stride_of(sizes: tuple[int, ...], width: int, height: int) -> int | None:
    """Network pixels a cell, the same in both directions; sizes that do not divide may be rounded either way."""
    rows, columns = sizes
    for stride in {max(1, round(height / rows)), max(1, round(width / columns))}:
        floor = (height // stride, width // stride)
        ceiling = (-(-height // stride), -(-width // stride))
        if floor[0] <= rows <= ceiling[0] and floor[1] <= columns <= ceiling[1]:
            return stride
    return None
