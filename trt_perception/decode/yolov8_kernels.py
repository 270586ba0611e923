"""YOLOv8, 9, 11 and 12 heads on the GPU, and the boxes of those with masks."""

from __future__ import annotations

import numpy as np

from trt_perception.decode.box_finish import BoxFinish, BoxMeaning
from trt_perception.decode.box_kernels import BoxKernels, Checked
from trt_perception.decode.box_scan import SCAN_THREADS, BoxScan, Part
from trt_perception.decode.candidates import MAX_CANDIDATES
from trt_perception.decode.element_type import ELEMENT_TYPES
from trt_perception.decode.head_check import FLOATS, head_outputs
from trt_perception.instance_detections import MAX_INSTANCES
from trt_perception.kernel_call import KernelSource
from trt_perception.model.model_spec import HeadSpec, ModelSpec, OutputSpec, TensorType

CELLS = 32
"""Cells of a block of threads; 8 threads share the channels of each."""
_EXTRA_VALUES = 16
"""Values of a second output that one thread checks."""


def yolov8_kernels(head: HeadSpec, spec: ModelSpec) -> BoxKernels:
    """The kernels of a head that `Yolov8Decoder` reads, or those of the boxes of one that `Yolov8SegDecoder` reads.

    Of the latter the prototypes are checked, too, and as many boxes are kept as an instance mask has numbers.

    Args:
        head: The head.
        spec: The model, with the engine's types.
    """
    output, *more = head_outputs(head, spec, len(head.outputs))
    _, channels, cells = output.shape
    finish = BoxFinish(
        boxes=Part(output.name),
        dtype=output.dtype,
        row_step=1,
        side_step=cells,
        meaning=BoxMeaning.CENTRES,
        network=spec.inputs[0],
        rows=cells,
        classes=len(head.labels),
    )
    checked = [Checked(output.name, channels, cells), *(Checked(one.name, int(np.prod(one.shape)), 1) for one in more)]
    return BoxKernels(
        head.labels,
        _scan(output, len(head.labels), more[0] if more else None),
        finish,
        tuple(checked),
        most_detections=MAX_INSTANCES if head.kind.has_instances else MAX_CANDIDATES,
    )


def _scan(output: OutputSpec, classes: int, extra: OutputSpec | None) -> BoxScan:
    _, channels, cells = output.shape
    extra_values = int(np.prod(extra.shape)) if extra else 0
    return BoxScan(
        source=_source(output.dtype, (extra or output).dtype),
        blocks=-(-cells // CELLS) + -(-extra_values // (_EXTRA_VALUES * SCAN_THREADS)),
        segment=CELLS,
        threads=(CELLS, SCAN_THREADS // CELLS, 1),
        arguments=(
            Part(output.name),
            np.int32(channels),
            np.int32(cells),
            np.int32(classes),
            Part((extra or output).name),
            np.int32(extra_values),
        ),
    )


def kernel_sources() -> tuple[KernelSource, ...]:
    """All kernels that are launched from here."""
    return tuple(_source(dtype, extra) for dtype in FLOATS for extra in FLOATS)


def _source(dtype: TensorType, extra: TensorType) -> KernelSource:
    defines = (("VALUE", ELEMENT_TYPES[dtype]), ("EXTRA", ELEMENT_TYPES[extra]))
    return KernelSource(file="decode/scan_columns.cu", function="scan_columns", defines=defines)
