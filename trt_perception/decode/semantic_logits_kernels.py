"""Semantic segmentation heads that give a score for each class, on the GPU."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from trt_perception.decode.head_check import FLOATS
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
from trt_perception.kernel_call import Argument, KernelCall, KernelSource
from trt_perception.model.model_spec import HeadKind, HeadSpec, MaskSize, ModelSpec, TensorType
from trt_perception.preprocess.image_transform import ImageTransform
from trt_perception.segmentation_mask import SegmentationMask


def _sources(dtype: TensorType) -> tuple[KernelSource, KernelSource]:
    return mask_sources("decode/logits_mask.cu", ("logit_cells", "logit_pixels"), "LOGIT", dtype)


def kernel_sources() -> tuple[KernelSource, ...]:
    """All kernels of this file."""
    return tuple(source for dtype in FLOATS for source in _sources(dtype))


class SemanticLogitsKernels(NoLimits):
    """The kernels of `SemanticLogitsDecoder`: class of each cell, then, at camera size, of each pixel.

    The result is a count of logits that are not finite for each block of cells, then the mask.

    Args:
        head: The head, of which `make_decoder` has found that it fits.
        spec: The model, with the engine's element types.
    """

    def __init__(self, head: HeadSpec, spec: ModelSpec) -> None:
        output = next(output for output in spec.outputs if output.name in head.outputs)
        self._output = output.name
        _, self._classes, *grid = output.shape
        self._grid = (grid[0], grid[1])
        self._border = 0.5 if head.kind is HeadKind.BINARY_MASK else 0.0
        self._is_whole = head.mask_size is MaskSize.CAMERA
        self._network = (spec.inputs[0].height, spec.inputs[0].width)
        self._cells, self._pixels = _sources(output.dtype)

    @property
    def workspace_bytes(self) -> int:
        """Classes of the cells and the table of the axes; neither for masks at network size."""
        return aligned(self._count) + AXES_BYTES if self._is_whole else 1

    def result_bytes(self, transform: ImageTransform) -> int:
        """`HeadKernels` says more."""
        place = self.mask_place(transform)
        return place.offset + place.nbytes

    def mask_place(self, transform: ImageTransform) -> MaskPlace:
        """Where the mask lies in the result."""
        offset = aligned(4 * self._blocks(transform))
        if self._is_whole:
            return MaskPlace(offset, transform.image_height, transform.image_width)
        rows, columns = (axis.inside() for axis in mask_axes(transform, self._network, self._grid))
        return MaskPlace(offset, rows.stop - rows.start, columns.stop - columns.start)

    def calls(
        self, outputs: Mapping[str, int], transform: ImageTransform, *, limits: int, workspace: int, result: int
    ) -> tuple[KernelCall, ...]:
        """`HeadKernels` says more."""
        place = self.mask_place(transform)
        mask, axes = np.uint64(result + place.offset), np.uint64(workspace + aligned(self._count))
        logits: tuple[Argument, ...] = (
            np.uint64(outputs[self._output]),
            *(np.int32(size) for size in (self._classes, *self._grid)),
            np.float32(self._border),
        )
        rows, columns = mask_axes(transform, self._network, self._grid)
        cells = mask
        window = (rows.inside().start, columns.inside().start, place.height, place.width)
        if self._is_whole:
            cells, window = np.uint64(workspace), (0, 0, *self._grid)
        axis_values = (*axis_arguments(rows), *axis_arguments(columns)) if self._is_whole else axis_arguments(None) * 2
        first = KernelCall(
            source=self._cells,
            grid=(self._blocks(transform), 1, 1),
            block=THREADS,
            arguments=(*logits, *(np.int32(n) for n in window), cells, np.uint64(result), axes, *axis_values),
        )
        if not self._is_whole:
            return (first,)
        second = KernelCall(
            source=self._pixels,
            grid=pixel_grid(place.width, place.height),
            block=PIXEL_THREADS,
            arguments=(
                *logits, cells, axes, *(np.int32(n) for n in transform.crop), mask, np.int32(place.width),
                np.int32(place.height),
            ),
        )  # fmt: skip
        return (first, second)

    def read(self, result: NDArray[np.uint8], transform: ImageTransform) -> SegmentationMask:
        """The class of every pixel; `HeadKernels` says more."""
        wrong = int(view(result, 0, np.int32, (self._blocks(transform),)).sum())
        if wrong:
            size = self._classes * self._count
            raise FrameError(
                DropReason.INFERENCE_FAILED,
                f"output {self._output!r}: {wrong} of {size} values are NaN or infinite",
            )
        return SegmentationMask(class_ids=self.mask_place(transform).read(result))

    @property
    def _count(self) -> int:
        """Cells."""
        return self._grid[0] * self._grid[1]

    def _blocks(self, transform: ImageTransform) -> int:
        """Blocks of the first kernel: a thread for each cell, and for each row and column of the crop."""
        return blocks_of(max(self._count, sum(transform.crop[2:]) if self._is_whole else 0))
