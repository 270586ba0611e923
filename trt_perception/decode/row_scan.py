"""The scan of heads with a row a candidate, in which class scores stand."""

from __future__ import annotations

import numpy as np

from trt_perception.decode.box_scan import BoxScan, Part
from trt_perception.decode.element_type import ELEMENT_TYPES
from trt_perception.decode.head_check import FLOATS
from trt_perception.kernel_call import KernelSource
from trt_perception.model.model_spec import OutputSpec, TensorType

ROWS = 32
"""Rows of a block of threads, 8 threads each."""


def row_scan(output: OutputSpec, *, has_objectness: bool, is_objectness_alone: bool = False) -> BoxScan:
    """The scan of [1, rows, columns]: x y w h, objectness if there is one, and class scores.

    Args:
        output: The output, with the engine's type.
        has_objectness: Whether the fifth column is objectness.
        is_objectness_alone: Whether class scores have no say.
    """
    _, rows, columns = output.shape
    return BoxScan(
        source=_source(output.dtype, has_objectness, is_objectness_alone),
        blocks=-(-rows // ROWS),
        segment=ROWS,
        arguments=(Part(output.name), np.int32(rows), np.int32(columns)),
    )


def kernel_sources() -> tuple[KernelSource, ...]:
    """All kernels that are launched from here."""
    ways = ((True, False), (True, True), (False, False))
    return tuple(_source(dtype, *way) for dtype in FLOATS for way in ways)


def _source(dtype: TensorType, has_objectness: bool, is_objectness_alone: bool) -> KernelSource:
    defines = (
        ("VALUE", ELEMENT_TYPES[dtype]),
        ("HAS_OBJECTNESS", str(int(has_objectness))),
        ("IS_OBJECTNESS_ALONE", str(int(is_objectness_alone))),
    )
    return KernelSource(file="decode/scan_rows.cu", function="scan_rows", defines=defines)
