"""Results drawn into their image on the GPU: the picture of `annotate`, of which nothing else reaches the host."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from trt_perception.decode.box_block import BoxBlock
from trt_perception.decode.head_kernels import HeadKernels, view
from trt_perception.decode.mask_launch import MaskPlace
from trt_perception.draw.draw_tables import DrawTables
from trt_perception.encoding import Encoding
from trt_perception.kernel_call import KernelCall, KernelSource, Size
from trt_perception.model.model_spec import ModelSpec
from trt_perception.preprocess.check_image_size import check_image_size
from trt_perception.preprocess.frame_layout import FrameLayout
from trt_perception.preprocess.image_transform import ImageTransform

_TINT = KernelSource(file="draw/draw.cu", function="tint_mask")
_BOXES = KernelSource(file="draw/draw.cu", function="draw_boxes")
_THREADS: Size = (32, 8, 1)
_TILE = (32, 32)
"""Width and height of what one block of threads draws, px."""


def _picture(encoding: Encoding) -> KernelSource:
    defines = (("ENCODING", encoding.value), ("READS_WORDS", "0"))
    return KernelSource(file="draw/picture.cu", function="make_picture", defines=defines)


def kernel_sources() -> tuple[KernelSource, ...]:
    """All kernels of this file."""
    return (*(_picture(encoding) for encoding in Encoding), _TINT, _BOXES)


@runtime_checkable
class _HasMask(Protocol):
    def mask_place(self, transform: ImageTransform) -> MaskPlace: ...


@runtime_checkable
class _HasBoxes(Protocol):
    @property
    def block(self) -> BoxBlock: ...


class DrawKernels:
    """Describes the work that draws the results of one frame. Needs no GPU and holds no state of a frame.

    Outlines and tints are those of `annotate`. Letters are within 1 grey level of it, with OpenCV 4, which lays the
    strokes of a letter over each other, within 8 (where tags lie over tags, 32); scores above 1 are written as 1.00.

    Args:
        spec: The model, with the labels that are shown.
        heads: The kernels of its heads, by name.
        mask_opacity: How much of a mask's colour covers the image, 0 to 1.
        left_out: Classes that are not drawn, by head.
    """

    def __init__(
        self,
        spec: ModelSpec,
        heads: Mapping[str, HeadKernels],
        *,
        mask_opacity: float = 0.45,
        left_out: Mapping[str, frozenset[int]] | None = None,
    ) -> None:
        self._spec = spec
        self._heads = heads
        self._opacity = mask_opacity
        self._left_out = left_out or {}

    def tables(self, layout: FrameLayout) -> DrawTables:
        """What the calls look up besides pixels and results; `.block` is to be uploaded once for a layout.

        Takes milliseconds, since all texts are rendered.
        """
        size = max(layout.width, layout.height)
        return DrawTables.of(self._spec, size, opacity=self._opacity, left_out=self._left_out)

    def picture_bytes(self, layout: FrameLayout) -> int:
        """Size of the picture."""
        return layout.width * layout.height * 3

    def calls(
        self,
        layout: FrameLayout,
        tables: DrawTables,
        *,
        pixels: int,
        results: Mapping[str, int],
        constants: int,
        picture: int,
    ) -> tuple[KernelCall, ...]:
        """The work, in order.

        Args:
            layout: How the frame lies in memory.
            tables: Those of the layout.
            pixels: Device address of the frame.
            results: Device addresses of the heads' results, by name; heads that are missing are not drawn.
            constants: Device address of `tables.block`.
            picture: Device address of the picture.

        Raises:
            FrameError: The encoding cannot have this size, or the crop does not lie in the image.
        """
        check_image_size(layout.encoding, layout.width, layout.height)
        transform = ImageTransform.of(layout.width, layout.height, self._spec.inputs[0])
        heads = {head.name: self._heads[head.name] for head in self._spec.heads if head.name in results}
        work = [_picture_call(layout, pixels, picture)]
        for name, head in heads.items():
            if isinstance(head, _HasMask):
                block = head.block if isinstance(head, _HasBoxes) else None
                place, looked_up = (
                    head.mask_place(transform),
                    (constants + tables.styles[name], constants + tables.blend),
                )
                work.append(_tint_call(transform, place, block, results[name], picture, looked_up))
        for name, head in heads.items():
            if isinstance(head, _HasBoxes):
                work.append(_boxes_call(layout, head.block, results[name], picture, name, tables, constants))
        return tuple(work)

    def read(self, picture: NDArray[np.uint8], layout: FrameLayout) -> NDArray[np.uint8]:
        """The picture as an image, copied: uint8 (h, w, 3), BGR."""
        return view(picture, 0, np.uint8, (layout.height, layout.width, 3)).copy()


def _picture_call(layout: FrameLayout, pixels: int, picture: int) -> KernelCall:
    return KernelCall(
        source=_picture(layout.encoding),
        grid=_tiles(layout.width, layout.height),
        block=_THREADS,
        arguments=(
            np.uint64(pixels),
            np.int64(layout.step),
            np.int32(layout.width),
            np.int32(layout.height),
            np.uint64(picture),
        ),
    )


def _tint_call(
    transform: ImageTransform,
    place: MaskPlace,
    block: BoxBlock | None,
    result: int,
    picture: int,
    looked_up: tuple[int, int],
) -> KernelCall:
    """As `annotate` lays a mask over the picture: over all of it where the sizes are equal, else over the crop."""
    size = (transform.image_width, transform.image_height)
    area = (0, 0, *size) if (place.width, place.height) == size else transform.crop
    boxes = (np.uint64(0), np.uint64(0))
    if block is not None:
        boxes = (np.uint64(result + block.count), np.uint64(result + block.class_ids))
    return KernelCall(
        source=_TINT,
        grid=_tiles(*area[2:]),
        block=_THREADS,
        arguments=(
            np.uint64(picture),
            np.int32(transform.image_width),
            *(np.int32(number) for number in area),
            np.uint64(result + place.offset),
            np.int32(place.width),
            np.int32(place.height),
            # cv2.resize takes the step between pixels as the inverse of the scale, both in float64.
            np.float64(1.0 / (area[2] / place.width)),
            np.float64(1.0 / (area[3] / place.height)),
            *boxes,
            *(np.uint64(address) for address in looked_up),
        ),
    )


def _boxes_call(
    layout: FrameLayout, block: BoxBlock, result: int, picture: int, head: str, tables: DrawTables, constants: int
) -> KernelCall:
    sheet = tables.sheet
    return KernelCall(
        source=_BOXES,
        grid=_tiles(layout.width, layout.height),
        block=_THREADS,
        arguments=(
            np.uint64(picture),
            np.int32(layout.width),
            np.int32(layout.height),
            *(np.uint64(result + offset) for offset in (block.count, block.boxes, block.scores, block.class_ids)),
            np.uint64(constants + tables.styles[head]),
            np.uint64(constants + tables.cap),
            np.int32(tables.reach),
            np.uint64(constants + tables.labels[head]),
            np.uint64(constants + tables.scores),
            np.uint64(constants + tables.alpha),
            *(np.int32(number) for number in (sheet.rows, sheet.ascent, sheet.margin)),
        ),
    )


def _tiles(width: int, height: int) -> Size:
    return (-(-width // _TILE[0]), -(-height // _TILE[1]), 1)
