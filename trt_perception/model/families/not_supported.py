"""Layouts that are known and refused by name, so that they are never read as something else.

A family that becomes supported gets a file of its own and a line in `registry`; its rule here goes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from trt_perception.model.families.cell_grid import find_grid
from trt_perception.model.families.detr import raw_pairs
from trt_perception.model.families.graph_patterns import source
from trt_perception.model.families.head_family import Certainty, Evidence, Refusal
from trt_perception.model.families.map_names import is_auxiliary
from trt_perception.model.families.semantic import MAX_CLASSES, stride_of
from trt_perception.model.model_spec import HeadKind
from trt_perception.model.open_sizes import open_sizes_remedy
from trt_perception.model.tensor_info import TensorInfo

_WITHOUT_NMS = "export without NMS in the model (Ultralytics: end2end=False and no nms; YOLOv7: no --end2end)"
"""Of Ultralytics 8.4, nms=False asks for boxes that the model itself finishes, where a model has such a head."""
_MASK_COEFFICIENTS = 16
"""Fewest planes that are taken for prototypes of masks; models have 32. Road masks have a few classes."""
_OTHER = "use a model with a supported head; docs/models.md lists them"


def refusals(evidence: Evidence) -> Iterator[Refusal]:
    """What the outputs are, where that is known and not supported."""
    for rule in _RULES:
        yield from rule(evidence)


def _exported_task(evidence: Evidence) -> Iterable[Refusal]:
    """What Ultralytics names in its metadata, other than plain detection and segmentation."""
    facts = evidence.exporter
    names = {
        "pose": "pose estimation (YOLO-pose)",
        "obb": "oriented boxes (YOLO-obb)",
        "classify": "image classification",
    }
    if facts.exporter != "Ultralytics" or facts.task in ("", "semantic"):
        return
    if facts.task == "segment":
        if not facts.end_to_end:
            return
        name, remedy = "end-to-end instance segmentation (YOLO26-seg, or nms=True)", _WITHOUT_NMS
    elif facts.task != "detect":
        name = names.get(facts.task, f"Ultralytics task {facts.task!r}")
        remedy = "use a model trained for task=detect, segment or semantic"
    else:
        return
    yield _refuse(name, evidence.outputs, Certainty.METADATA, str(facts), remedy)


def _anchor_masks(evidence: Evidence) -> Iterable[Refusal]:
    """YOLOv5-seg: [1, 3 x cells, 5 + classes + masks] beside prototypes [1, masks, h, w]."""
    for masks in evidence.outputs:
        planes = masks.sizes or ()
        if not masks.is_float or len(planes) != 4:
            continue
        for boxes in evidence.outputs:
            sizes = boxes.sizes or ()
            if not boxes.is_float or len(sizes) != 3 or sizes[2] < 6 + planes[1] or planes[1] < _MASK_COEFFICIENTS:
                continue
            if find_grid(sizes[1], width=evidence.width, height=evidence.height, anchors=3):
                reason = f"{sizes[2]} columns a box, and {planes[1]} planes in {masks}"
                remedy = "export a detection model, or YOLOv8 and later"
                yield _refuse("instance segmentation (YOLOv5-seg)", [boxes, masks], Certainty.GRAPH, reason, remedy)


def _anchor_maps(evidence: Evidence) -> Iterable[Refusal]:
    """YOLOv5 and YOLOv7 before their boxes are decoded: [1, 3, h, w, 5 + classes] of each scale."""
    maps = [
        output
        for output in evidence.outputs
        if output.is_float and len(output.sizes or ()) == 5 and (output.sizes or ())[1] == 3
    ]
    if len(maps) >= 2:
        reason = f"{len(maps)} maps of three anchors, which are not in the file"
        remedy = "export with it: YOLOv7 with export.py --grid, YOLOv5 with export.py and no option"
        yield Refusal(
            name="YOLOv5 or YOLOv7 without its last layer",
            outputs=tuple(output.name for output in maps),
            certainty=Certainty.GRAPH,
            reason=reason,
            remedy=remedy,
            is_auxiliary=True,
            is_detection=True,
        )


def _end_to_end(evidence: Evidence) -> Iterable[Refusal]:
    """Finished boxes in varying number, or with the image's number in front: [n, 7] of YOLOv7 for ONNX Runtime."""
    for output in evidence.outputs:
        shape = output.shape or ()  # how many boxes NMS leaves is often open
        if not output.is_float or len(shape) not in (2, 3) or shape[-1] not in (6, 7):
            continue
        rows = shape[-2]
        if isinstance(rows, int) and (any(_is_grid(evidence, rows, anchors) for anchors in (1, 3)) or _is_fixed(shape)):
            continue
        reason = f"{rows} rows of {shape[-1]} values are no count of cells, but of finished boxes"
        remedy = _WITHOUT_NMS
        if len(shape) == 3 and shape[-1] == 6:
            remedy += f"; where the number is fixed, give it, as with --shape {output.name}=1x300x6"
        # RT-DETR of three classes has rows of seven, too, and a graph that tells.
        certainty = Certainty.POSSIBLE if output.sizes else Certainty.GRAPH
        yield _refuse("end-to-end detection in varying number", [output], certainty, reason, remedy)


def _is_fixed(shape: tuple[int | str, ...]) -> bool:
    """[1, n, 6], which families claim: YOLOv10's corners in px, or newer RT-DETR's normalised centres."""
    return len(shape) == 3 and shape[0] == 1 and shape[2] == 6


def _is_grid(evidence: Evidence, count: int, anchors: int) -> bool:
    return find_grid(count, width=evidence.width, height=evidence.height, anchors=anchors) is not None


def _boxes_and_scores(evidence: Evidence) -> Iterable[Refusal]:
    """Boxes [1, n, 4] beside scores [1, n, classes] that are no logits of queries."""
    if any(True for _ in raw_pairs(evidence)):
        return  # what else has a row a query, such as its features, is not read
    floats = [output for output in evidence.outputs if output.is_float and len(output.sizes or ()) == 3]
    boxes = [output for output in floats if (output.sizes or ())[2] == 4]
    for output in floats:
        beside = [box for box in boxes if box is not output and (box.sizes or ())[1] == (output.sizes or ())[1]]
        if beside:
            reason = f"scores {output} beside boxes {beside[0]}"
            yield _refuse("separate boxes and scores", [output, *beside], Certainty.GRAPH, reason, _OTHER)


def _finished_lists(evidence: Evidence) -> Iterable[Refusal]:
    """Boxes, scores and class numbers as outputs of their own: torchvision, RT-DETR; EfficientNMS where some lack."""
    names = {output.name: output for output in evidence.outputs}
    count = next((name for name in ("num_dets", "num_detections") if name in names), "")
    if count:
        if len(names) < 4 or any(output.sizes is None for output in evidence.outputs):
            reason = f"outputs {', '.join(names)}, expected count, boxes, scores and classes of static sizes"
            remedy = (open_sizes_remedy(evidence.outputs) if len(names) >= 4 else "") or _WITHOUT_NMS
            yield _refuse("EfficientNMS outputs, not complete", evidence.outputs, Certainty.GRAPH, reason, remedy)
    elif {"labels", "boxes", "scores"} <= names.keys() and len(names["boxes"].shape or ()) != 3:
        yield _refuse(
            "finished boxes, scores and labels (torchvision)",
            evidence.outputs,
            Certainty.GRAPH,
            f"outputs {', '.join(names)}",
            _OTHER,
        )


def _raw_scales(evidence: Evidence) -> Iterable[Refusal]:
    """Feature maps of a detection head before it is put together: one output a stride."""
    scales: list[tuple[int, TensorInfo]] = []
    for output in evidence.outputs:
        sizes = output.sizes or ()
        if not output.is_float or len(sizes) not in (4, 5):
            continue
        scales.extend(
            (stride, output)
            for stride in (8, 16, 32)
            if (evidence.height // stride, evidence.width // stride) in (sizes[-2:], sizes[1:3], sizes[2:4])
        )
    if len({stride for stride, _ in scales}) >= 2:
        yield Refusal(
            name="raw feature maps of a detection head",
            outputs=tuple(output.name for _, output in scales),
            certainty=Certainty.GRAPH,
            reason="outputs at strides "
            + ", ".join(str(stride) for stride in sorted({stride for stride, _ in scales})),
            remedy="export with the head's outputs joined",
            is_auxiliary=True,
            is_detection=True,
        )


def _one_plane(evidence: Evidence) -> Iterable[Refusal]:
    """[1, 1, h, w] of numbers: a binary mask, a depth map; which, nothing tells."""
    for output in evidence.outputs:
        sizes = output.sizes or ()
        if output.is_float and len(sizes) == 4 and sizes[1] == 1:
            reason = "one plane of numbers has no largest class"
            remedy = "export two classes (background and object), or class ids as integers"
            yield _refuse("depth map or other numbers", [output], Certainty.POSSIBLE, reason, remedy)


def _class_ids_as_floats(evidence: Evidence) -> Iterable[Refusal]:
    """[1, h, w] or [1, 1, h, w] of floating-point numbers behind an ArgMax."""
    for output in evidence.outputs:
        sizes = output.sizes or ()
        node = source(evidence.model, output.name)
        is_map = len(sizes) == 3 or (len(sizes) == 4 and sizes[1] == 1)
        if output.is_float and is_map and node is not None and node.op_type == "ArgMax":
            remedy = "leave out the Cast behind the ArgMax, or cast to int32 or uint8"
            yield _refuse("class ids as floating-point numbers", [output], Certainty.GRAPH, "ArgMax before it", remedy)


def _channels_last(evidence: Evidence) -> Iterable[Refusal]:
    """[1, h, w, classes], as TensorFlow lays class scores out."""
    for output in evidence.outputs:
        sizes = output.sizes or ()
        if not output.is_float or len(sizes) != 4 or not 2 <= sizes[3] <= MAX_CLASSES:
            continue
        if stride_of(sizes[1:3], evidence.width, evidence.height) and not stride_of(
            sizes[2:], evidence.width, evidence.height
        ):
            reason = f"{sizes[3]} values for each of {sizes[2]}x{sizes[1]} cells"
            remedy = f"export it with the channels first (tf2onnx: --outputs-as-nchw {output.name})"
            yield _refuse("class scores with the channels last (NHWC)", [output], Certainty.SHAPE, reason, remedy)


def _for_training(evidence: Evidence) -> Iterable[Refusal]:
    """Maps beside others that by their names only training needs: BiSeNet's, PIDNet's and DDRNet's auxiliary heads."""
    maps = [output for output in evidence.outputs if len(output.sizes or ()) in (3, 4)]
    for output in maps:
        if len(maps) > 1 and is_auxiliary(output.name):
            yield Refusal(
                name="auxiliary output for training",
                outputs=(output.name,),
                certainty=Certainty.GRAPH,
                reason="its name says so",
                remedy=f"if it is the one to read, name it: --head {output.name}={HeadKind.SEMANTIC_LOGITS.value}",
                is_auxiliary=True,
            )


def _several_maps(evidence: Evidence) -> Iterable[Refusal]:
    """More than one output of maps: masks, offsets, depths or features; only their maker knows which."""
    maps = [
        output
        for output in evidence.outputs
        if output.is_float and len(output.sizes or ()) == 4 and not is_auxiliary(output.name)
    ]
    if len(maps) > 1:
        for output in maps:
            reason = f"the model has {len(maps)} outputs of this kind"
            yield _refuse("one of several maps", [output], Certainty.SHAPE, reason, _OTHER)


def _picture(evidence: Evidence) -> Iterable[Refusal]:
    """Three planes of the network's size: scores of three classes, or an image."""
    for output in evidence.outputs:
        if output.is_float and output.sizes == (1, 3, evidence.height, evidence.width):
            yield _refuse("a picture", [output], Certainty.SHAPE, "three planes of the input's size", _OTHER)


def _refuse(name: str, outputs: Iterable[TensorInfo], certainty: Certainty, reason: str, remedy: str) -> Refusal:
    return Refusal(
        name=name,
        outputs=tuple(output.name for output in outputs),
        certainty=certainty,
        reason=reason,
        remedy=remedy,
    )


_RULES: tuple[Callable[[Evidence], Iterable[Refusal]], ...] = (
    _exported_task,
    _anchor_masks,
    _anchor_maps,
    _end_to_end,
    _boxes_and_scores,
    _finished_lists,
    _raw_scales,
    _one_plane,
    _class_ids_as_floats,
    _channels_last,
    _for_training,
    _several_maps,
    _picture,
)
