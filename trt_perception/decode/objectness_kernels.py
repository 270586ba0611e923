"""YOLOX, YOLOv5 and YOLOv7 heads on the GPU."""

from __future__ import annotations

from trt_perception.decode.box_finish import BoxFinish, BoxMeaning
from trt_perception.decode.box_kernels import BoxKernels, Checked
from trt_perception.decode.box_scan import Part
from trt_perception.decode.head_check import single_output
from trt_perception.decode.row_scan import row_scan
from trt_perception.model.model_spec import HeadKind, HeadSpec, ModelSpec


def objectness_kernels(head: HeadSpec, spec: ModelSpec) -> BoxKernels:
    """The kernels of a head that `YoloxDecoder` or `Yolov5Decoder` reads.

    Args:
        head: The head.
        spec: The model, with the engine's types.
    """
    output = single_output(head, spec)
    _, rows, columns = output.shape
    is_alone = head.kind is HeadKind.YOLOV7 and len(head.labels) == 1
    are_cells = head.kind is HeadKind.YOLOX
    finish = BoxFinish(
        boxes=Part(output.name),
        dtype=output.dtype,
        row_step=columns,
        meaning=BoxMeaning.CELLS if are_cells else BoxMeaning.CENTRES,
        network=spec.inputs[0],
        rows=rows,
        classes=len(head.labels),
        strides=head.strides if are_cells else (),
    )
    scan = row_scan(output, has_objectness=True, is_objectness_alone=is_alone)
    return BoxKernels(head.labels, scan, finish, (Checked(output.name, columns, rows),))
