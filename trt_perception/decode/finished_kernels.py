"""Heads whose boxes the model has finished, on the GPU."""

from __future__ import annotations

import numpy as np

from trt_perception.decode.box_finish import BoxFinish, BoxMeaning
from trt_perception.decode.box_kernels import BoxKernels, Checked, ClassNumbers
from trt_perception.decode.box_scan import SCAN_THREADS, BoxScan, Part
from trt_perception.decode.element_type import ELEMENT_TYPES
from trt_perception.decode.head_check import FLOATS, INTEGERS
from trt_perception.kernel_call import KernelSource
from trt_perception.model.model_spec import HeadKind, HeadSpec, ModelSpec, OutputSpec, TensorType


def joined_kernels(head: HeadSpec, spec: ModelSpec) -> BoxKernels:
    """The kernels of a head with rows of box, score and class: of `Yolov10Decoder` and `RtdetrEndToEndDecoder`.

    Args:
        head: The head.
        spec: The model, with the engine's types.
    """
    (output,) = _outputs(head, spec)
    _, rows, columns = output.shape
    nbytes = np.dtype(output.dtype.value).itemsize
    scan = _scan(
        (output, Part(output.name), columns),
        (output, Part(output.name, 4 * nbytes), columns),
        (output, Part(output.name, 5 * nbytes), columns),
        rows=rows,
        classes=len(head.labels),
        is_joined=True,
    )
    is_fraction = head.kind is HeadKind.RTDETR_END_TO_END
    return BoxKernels(
        head.labels,
        scan,
        _finish(head, spec, output, columns, BoxMeaning.FRACTIONS if is_fraction else BoxMeaning.CORNERS),
        (Checked(output.name, columns, rows),),
        class_numbers=ClassNumbers(output=output.name, dtype=output.dtype),
    )


def separate_kernels(head: HeadSpec, spec: ModelSpec) -> BoxKernels:
    """The kernels of a head with an output each for boxes, scores and classes: of `EfficientNmsDecoder`,
    which has their number besides, and `RtdetrDeployDecoder`.

    Args:
        head: The head.
        spec: The model, with the engine's types.
    """
    count: OutputSpec | None = None
    if head.kind is HeadKind.EFFICIENT_NMS:
        count, boxes, scores, numbers = _outputs(head, spec)
    else:
        numbers, boxes, scores = _outputs(head, spec)
    rows = boxes.shape[1]
    scan = _scan(
        (boxes, Part(boxes.name), 4),
        (scores, Part(scores.name), 1),
        (numbers, Part(numbers.name), 1),
        rows=rows,
        classes=len(head.labels),
        count=count,
    )
    seen = None if count else rows
    return BoxKernels(
        head.labels,
        scan,
        _finish(head, spec, boxes, 4, BoxMeaning.CORNERS),
        (Checked(boxes.name, 4, seen), Checked(scores.name, 1, seen)),
        class_numbers=ClassNumbers(output=numbers.name, dtype=numbers.dtype),
        declared=count.name if count else None,
    )


def _outputs(head: HeadSpec, spec: ModelSpec) -> tuple[OutputSpec, ...]:
    known = {output.name: output for output in spec.outputs}
    return tuple(known[name] for name in head.outputs)


_Column = tuple[OutputSpec, Part, int]
"""An output, where a column begins in it, and how many numbers lie from one row to the next."""


def _scan(
    boxes: _Column,
    scores: _Column,
    numbers: _Column,
    *,
    rows: int,
    classes: int,
    is_joined: bool = False,
    count: OutputSpec | None = None,
) -> BoxScan:
    columns = [argument for _, part, step in (boxes, scores, numbers) for argument in (part, np.int32(step))]
    return BoxScan(
        source=_source(
            boxes[0].dtype, scores[0].dtype, numbers[0].dtype, count.dtype if count else TensorType.INT32, is_joined
        ),
        blocks=-(-rows // SCAN_THREADS),
        segment=SCAN_THREADS,
        arguments=(*columns, Part(count.name) if count else np.uint64(0), np.int32(rows), np.int32(classes)),
    )


def _finish(head: HeadSpec, spec: ModelSpec, boxes: OutputSpec, step: int, meaning: BoxMeaning) -> BoxFinish:
    return BoxFinish(
        boxes=Part(boxes.name),
        dtype=boxes.dtype,
        row_step=step,
        meaning=meaning,
        network=spec.inputs[0],
        rows=boxes.shape[1],
        classes=len(head.labels),
    )


def kernel_sources() -> tuple[KernelSource, ...]:
    """The kernels that are launched from here, of outputs whose numbers and whose count have one type."""
    joined = [_source(dtype, dtype, dtype, TensorType.INT32, True) for dtype in FLOATS]
    separate = [_source(dtype, dtype, number, number, False) for dtype in FLOATS for number in INTEGERS]
    return (*joined, *separate)


def _source(
    box: TensorType, score: TensorType, class_id: TensorType, count: TensorType, is_joined: bool
) -> KernelSource:
    types = {"BOX": box, "SCORE": score, "CLASS_ID": class_id, "COUNT": count}
    defines = (*((name, ELEMENT_TYPES[dtype]) for name, dtype in types.items()), ("IS_JOINED", str(int(is_joined))))
    return KernelSource(file="decode/scan_finished.cu", function="scan_finished", defines=defines)
