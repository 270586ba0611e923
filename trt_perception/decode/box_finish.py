"""The last kernel of a family of boxes: the best candidates, their boxes, NMS and the result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

import numpy as np

from trt_perception.decode.box_scan import Part
from trt_perception.decode.element_type import ELEMENT_TYPES
from trt_perception.decode.head_check import FLOATS
from trt_perception.kernel_call import Argument, KernelSource
from trt_perception.model.model_spec import InputSpec, TensorType
from trt_perception.preprocess.image_transform import ImageTransform

FINISH_THREADS = 512
"""Threads of the one block; THREADS of choose_keys.cuh."""


class BoxMeaning(str, Enum):
    """What four numbers say of a box. The values are the kernel's words."""

    CENTRES = "CENTRES"
    """x y w h in network pixels; boxes that overlap are one object."""
    CELLS = "CELLS"
    """x y in cells of a grid, w h as logarithms of cells; boxes that overlap are one object."""
    CORNERS = "CORNERS"
    """x1 y1 x2 y2 in network pixels; no NMS."""
    FRACTIONS = "FRACTIONS"
    """cx cy w h as fractions of the network's size; no NMS."""


@dataclass(frozen=True, kw_only=True)
class BoxFinish:
    """Where boxes lie in an output, and what they mean.

    Args:
        boxes: The first number of the first box.
        dtype: Their type, as the engine has it.
        row_step: Numbers from a box to the next.
        side_step: Numbers from one of a box's numbers to the next.
        meaning: What they say.
        network: The model's input, for its size.
        rows: Boxes.
        classes: Classes of the head.
        are_pairs: Whether candidates are boxes times classes, of which as many as there are boxes go on.
        strides: Network pixels of a cell, of CELLS.
    """

    boxes: Part
    dtype: TensorType
    row_step: int
    side_step: int = 1
    meaning: BoxMeaning
    network: InputSpec
    rows: int
    classes: int
    are_pairs: bool = False
    strides: tuple[int, ...] = ()

    @property
    def source(self) -> KernelSource:
        """The kernel."""
        return _source(self.dtype, self.meaning, self.are_pairs, self.strides)

    def arguments(self, outputs: Mapping[str, int]) -> tuple[Argument, ...]:
        """The kernel's first arguments: where and how many.

        Args:
            outputs: Addresses of the model's outputs, by name.
        """
        return (
            self.boxes.address(outputs),
            np.int64(self.row_step),
            np.int64(self.side_step),
            np.int32(self.rows),
            np.int32(self.classes),
            np.int32(self.network.width),
            np.int32(self.network.height),
        )


def transform_arguments(transform: ImageTransform) -> tuple[np.float64, ...]:
    """The way from network pixels to the image, as the kernel takes it; `ImageTransform.to_image` says more."""
    numbers = (
        *transform.network_region[:2],
        *transform.scale,
        *transform.crop[:2],
        transform.image_width,
        transform.image_height,
    )
    return tuple(np.float64(number) for number in numbers)


def kernel_sources() -> tuple[KernelSource, ...]:
    """All kernels that are launched from here, with the usual strides."""
    ways = [
        (BoxMeaning.CENTRES, False, ()),
        (BoxMeaning.CELLS, False, (8, 16, 32)),
        (BoxMeaning.CORNERS, False, ()),
        (BoxMeaning.FRACTIONS, False, ()),
        (BoxMeaning.FRACTIONS, True, ()),
    ]
    return tuple(_source(dtype, *way) for dtype in FLOATS for way in ways)


def _source(dtype: TensorType, meaning: BoxMeaning, are_pairs: bool, strides: tuple[int, ...]) -> KernelSource:
    defines = [("VALUE", ELEMENT_TYPES[dtype]), ("BOXES", meaning.value), ("IS_PAIRS", str(int(are_pairs)))]
    if strides:
        defines.append(("STRIDES", ",".join(str(stride) for stride in strides)))
    return KernelSource(file="decode/finish_boxes.cu", function="finish_boxes", defines=tuple(defines))
