"""Rows of a box, an objectness and class scores: [1, n, 5 + classes], n the cells of a grid."""

from __future__ import annotations

from collections.abc import Sequence

from trt_perception.model.families.cell_grid import STRIDE_SETS, find_grid
from trt_perception.model.families.head_family import HeadLayout, LayoutMismatch, single_output
from trt_perception.model.tensor_info import TensorInfo


def objectness_layout(
    outputs: Sequence[TensorInfo], expected: str, *, width: int, height: int, anchors: int = 1
) -> HeadLayout:
    """What the shape of such an output says.

    Args:
        outputs: The head's outputs.
        expected: The layout in the family's words, for the error.
        width: Network width, px.
        height: Network height, px.
        anchors: Rows a cell.

    Raises:
        LayoutMismatch: It is none.
    """
    output, sizes = single_output(outputs, expected)
    if not output.is_float or len(sizes) != 3 or sizes[2] < 6:
        raise LayoutMismatch(expected, str(output))
    cells = find_grid(sizes[1], width=width, height=height, anchors=anchors)
    if cells is None:
        strides = " or ".join("/".join(map(str, strides)) for strides in STRIDE_SETS)
        raise LayoutMismatch(f"{expected} at strides {strides}", str(output))
    return HeadLayout(classes=sizes[2] - 5, strides=cells.strides, words=f"5 + {sizes[2] - 5} classes over {cells}")
