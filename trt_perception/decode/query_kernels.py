"""Heads with a row a query, on the GPU."""

from __future__ import annotations

import numpy as np

from trt_perception.decode.box_finish import BoxFinish, BoxMeaning
from trt_perception.decode.box_kernels import BoxKernels, Checked
from trt_perception.decode.box_scan import SCAN_THREADS, BoxScan, Part
from trt_perception.decode.element_type import ELEMENT_TYPES
from trt_perception.decode.head_check import FLOATS, head_outputs, single_output
from trt_perception.decode.row_scan import ROWS, row_scan
from trt_perception.kernel_call import KernelSource
from trt_perception.model.model_spec import HeadKind, HeadSpec, ModelSpec, OutputSpec, TensorType


def rtdetr_kernels(head: HeadSpec, spec: ModelSpec) -> BoxKernels:
    """The kernels of a head that `RtdetrDecoder` reads.

    Args:
        head: The head.
        spec: The model, with the engine's types.
    """
    output = single_output(head, spec)
    _, rows, columns = output.shape
    scan = row_scan(output, has_objectness=False)
    finish = _finish(head, spec, output, columns)
    return BoxKernels(head.labels, scan, finish, (Checked(output.name, columns, rows),))


def detr_kernels(head: HeadSpec, spec: ModelSpec) -> BoxKernels:
    """The kernels of a head that `DetrDecoder` reads.

    Args:
        head: The head.
        spec: The model, with the engine's types.
    """
    logits, boxes = head_outputs(head, spec, 2)
    _, rows, columns = logits.shape
    are_pairs = head.kind is HeadKind.DETR_SIGMOID
    segment = SCAN_THREADS if are_pairs else ROWS
    candidates = rows * max(columns, 4) if are_pairs else rows  # of pairs at least as many threads as there are sides
    scan = BoxScan(
        source=_source(are_pairs, logits.dtype, boxes.dtype),
        blocks=-(-candidates // segment),
        segment=segment,
        arguments=(Part(logits.name), Part(boxes.name), np.int32(rows), np.int32(columns)),
        has_class_ids=not are_pairs,
    )
    finish = _finish(head, spec, boxes, 4, are_pairs=are_pairs)
    return BoxKernels(head.labels, scan, finish, (Checked(logits.name, columns, rows), Checked(boxes.name, 4, rows)))


def kernel_sources() -> tuple[KernelSource, ...]:
    """All kernels that are launched from here, besides those of rows."""
    return tuple(_source(are_pairs, logit, box) for are_pairs in (True, False) for logit in FLOATS for box in FLOATS)


def _source(are_pairs: bool, logit: TensorType, box: TensorType) -> KernelSource:
    name = "scan_pairs" if are_pairs else "scan_softmax"
    defines = (("LOGIT", ELEMENT_TYPES[logit]), ("BOX", ELEMENT_TYPES[box]))
    return KernelSource(file=f"decode/{name}.cu", function=name, defines=defines)


def _finish(head: HeadSpec, spec: ModelSpec, boxes: OutputSpec, step: int, *, are_pairs: bool = False) -> BoxFinish:
    return BoxFinish(
        boxes=Part(boxes.name),
        dtype=boxes.dtype,
        row_step=step,
        meaning=BoxMeaning.FRACTIONS,
        network=spec.inputs[0],
        rows=boxes.shape[1],
        classes=len(head.labels),
        are_pairs=are_pairs,
    )
