"""Semantic segmentation heads that decide themselves, on the GPU."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from trt_perception.decode.head_check import INTEGERS
from trt_perception.decode.head_kernels import aligned, view
from trt_perception.decode.mask_grid import mask_axes
from trt_perception.decode.mask_launch import (
    AXES_BYTES,
    PIXEL_THREADS,
    THREADS,
    MaskPlace,
    axis_arguments,
    blocks_of,
    mask_sources,
    pixel_grid,
)
from trt_perception.decode.no_limits import NoLimits
from trt_perception.errors import DropReason, FrameError
from trt_perception.kernel_call import KernelCall, KernelSource
from trt_perception.model.model_spec import HeadSpec, MaskSize, ModelSpec, TensorType
from trt_perception.preprocess.image_transform import ImageTransform
from trt_perception.segmentation_mask import UNLABELLED, SegmentationMask

_CELLS_PER_BLOCK = 4 * THREADS[0]
_NONE = 2**31 - 1


def _sources(dtype: TensorType) -> tuple[KernelSource, KernelSource]:
    return mask_sources("decode/class_ids_mask.cu", ("id_cells", "id_pixels"), "ID", dtype)


def kernel_sources() -> tuple[KernelSource, ...]:
    """All kernels of this file."""
    return tuple(source for dtype in INTEGERS for source in _sources(dtype))


class SemanticClassIdsKernels(NoLimits):
    """The kernels of `SemanticClassIdsDecoder`: the ids as bytes, then, at camera size, that of each pixel's cell.

    The result is, for each block of cells, position and value of its first foreign id; then the mask.

    Args:
        head: The head, of which `make_decoder` has found that it fits.
        spec: The model, with the engine's element types.
    """

    def __init__(self, head: HeadSpec, spec: ModelSpec) -> None:
        output = next(output for output in spec.outputs if output.name in head.outputs)
        self._output = output.name
        self._classes = len(head.labels)
        self._grid = (output.shape[-2], output.shape[-1])
        self._is_whole = head.mask_size is MaskSize.CAMERA
        self._network = (spec.inputs[0].height, spec.inputs[0].width)
        self._cells, self._pixels = _sources(output.dtype)

    @property
    def workspace_bytes(self) -> int:
        """Ids of the cells as bytes and the table of the axes; neither for masks at network size."""
        return aligned(self._grid[0] * self._grid[1]) + AXES_BYTES if self._is_whole else 1

    def result_bytes(self, transform: ImageTransform) -> int:
        """`HeadKernels` says more."""
        place = self.mask_place(transform)
        return place.offset + place.nbytes

    def mask_place(self, transform: ImageTransform) -> MaskPlace:
        """Where the mask lies in the result."""
        offset = 2 * aligned(8 * self._blocks(transform))
        if self._is_whole:
            return MaskPlace(offset, transform.image_height, transform.image_width)
        return MaskPlace(offset, *self._window(transform)[2:])

    def calls(
        self, outputs: Mapping[str, int], transform: ImageTransform, *, limits: int, workspace: int, result: int
    ) -> tuple[KernelCall, ...]:
        """`HeadKernels` says more."""
        place, blocks = self.mask_place(transform), self._blocks(transform)
        axes = np.uint64(workspace + aligned(self._grid[0] * self._grid[1]))
        mask = np.uint64(result + place.offset)
        cells = np.uint64(workspace) if self._is_whole else mask
        first_row, first_column, rows, columns = (np.int32(n) for n in self._window(transform))
        rows_axis, columns_axis = mask_axes(transform, self._network, self._grid) if self._is_whole else (None, None)
        first = KernelCall(
            source=self._cells,
            grid=(blocks, 1, 1),
            block=THREADS,
            arguments=(
                np.uint64(outputs[self._output]), np.int32(self._grid[1]), np.int32(self._classes),
                first_row, first_column, rows, columns, cells,
                np.uint64(result), np.uint64(result + aligned(8 * blocks)),
                axes, *axis_arguments(rows_axis), *axis_arguments(columns_axis),
            ),
        )  # fmt: skip
        if not self._is_whole:
            return (first,)
        second = KernelCall(
            source=self._pixels,
            grid=pixel_grid(place.width, place.height),
            block=PIXEL_THREADS,
            arguments=(
                cells, first_row, first_column, columns, axes, *(np.int32(n) for n in transform.crop),
                mask, np.int32(place.width), np.int32(place.height),
            ),
        )  # fmt: skip
        return (first, second)

    def read(self, result: NDArray[np.uint8], transform: ImageTransform) -> SegmentationMask:
        """The class of every pixel; `HeadKernels` says more."""
        blocks = self._blocks(transform)
        at = view(result, 0, np.int32, (blocks,))
        block = int(at.argmin())
        if at[block] != _NONE:
            foreign = int(view(result, aligned(8 * blocks), np.int64, (blocks,))[block])
            raise FrameError(
                DropReason.INFERENCE_FAILED,
                f"output {self._output!r}: class id {foreign}, expected 0 to {self._classes - 1} or {UNLABELLED}",
            )
        return SegmentationMask(class_ids=self.mask_place(transform).read(result))

    def _window(self, transform: ImageTransform) -> tuple[int, int, int, int]:
        """The cells that are looked at: first row, first column, rows, columns."""
        rows, columns = (
            axis.inside() if not self._is_whole else slice(int(axis.nearest()[0]), int(axis.nearest()[-1]) + 1)
            for axis in mask_axes(transform, self._network, self._grid)
        )
        return rows.start, columns.start, rows.stop - rows.start, columns.stop - columns.start

    def _blocks(self, transform: ImageTransform) -> int:
        """Blocks of the first kernel: its threads' cells hold the window, and each row and column of the crop."""
        _, _, rows, columns = self._window(transform)
        return blocks_of(max(rows * columns, sum(transform.crop[2:]) if self._is_whole else 0), _CELLS_PER_BLOCK)
