"""Instance segmentation heads of YOLOv8, 11 and 12 on the GPU."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product

import numpy as np
from numpy.typing import NDArray

from trt_perception.decode.box_block import BoxBlock
from trt_perception.decode.element_type import ELEMENT_TYPES
from trt_perception.decode.head_check import FLOATS, head_outputs
from trt_perception.decode.head_kernels import BLOCK_ALIGNMENT, aligned, view
from trt_perception.decode.instance_canvas import InstanceCanvas
from trt_perception.decode.mask_launch import AXES_BYTES, PIXEL_THREADS, THREADS, MaskPlace, axis_arguments, blocks_of
from trt_perception.decode.yolov8_kernels import yolov8_kernels
from trt_perception.errors import DropReason, FrameError
from trt_perception.instance_detections import InstanceDetections
from trt_perception.kernel_call import KernelCall, KernelSource
from trt_perception.model.model_spec import HeadSpec, ModelSpec, TensorType
from trt_perception.preprocess.image_transform import ImageTransform
from trt_perception.thresholds import Thresholds


def _sources(coefficients: TensorType, prototypes: TensorType) -> tuple[KernelSource, KernelSource]:
    """The kernels for the axes and for the pixels."""
    defines = (("COEFFICIENT", ELEMENT_TYPES[coefficients]), ("PROTOTYPE", ELEMENT_TYPES[prototypes]))
    axes, paint = (
        KernelSource(file="decode/instance_mask.cu", function=function, defines=defines)
        for function in ("instance_axes", "paint_instances")
    )
    return axes, paint


def kernel_sources() -> tuple[KernelSource, ...]:
    """The kernels that only these heads have."""
    return tuple(source for types in product(FLOATS, repeat=2) for source in _sources(*types))


class Yolov8SegKernels:
    """The kernels of `Yolov8SegDecoder`: those of YOLOv8's boxes, then two for the masks.

    The result is the block of boxes, a flag for masks that overflow, and the mask. Coefficients and prototypes are
    multiplied and added in order, in float32; the reference leaves the order to NumPy, so pixels whose value is zero
    but for rounding may differ. A cell between which no pixel lies is not looked at, where the reference refuses it if
    it overflows.

    Args:
        head: The head, of which `make_decoder` has found that it fits.
        spec: The model, with the engine's element types.
    """

    def __init__(self, head: HeadSpec, spec: ModelSpec) -> None:
        boxes, prototypes = head_outputs(head, spec, 2)
        self._boxes = yolov8_kernels(head, spec)
        self._outputs = (boxes.name, prototypes.name)
        self._axes, self._paint = _sources(boxes.dtype, prototypes.dtype)
        self._candidates = boxes.shape[2]
        self._first_coefficient = 4 + len(head.labels)
        _, self._masks, *grid = prototypes.shape
        self._grid = (grid[0], grid[1])
        self._network = (spec.inputs[0].height, spec.inputs[0].width)
        self._size = head.mask_size

    @property
    def block(self) -> BoxBlock:
        """Layout of the boxes, with which the result begins."""
        return self._boxes.block

    @property
    def workspace_bytes(self) -> int:
        """What the boxes need, and the table of the axes."""
        return aligned(self._boxes.workspace_bytes) + AXES_BYTES

    @property
    def limits_bytes(self) -> int:
        """Those of the boxes."""
        return self._boxes.limits_bytes

    def limits(self, thresholds: Thresholds) -> NDArray[np.uint8]:
        """`HeadKernels` says more."""
        return self._boxes.limits(thresholds)

    def result_bytes(self, transform: ImageTransform) -> int:
        """`HeadKernels` says more."""
        place = self.mask_place(transform)
        return place.offset + place.nbytes

    def mask_place(self, transform: ImageTransform) -> MaskPlace:
        """Where the mask lies in the result."""
        canvas = self._canvas(transform)
        return MaskPlace(aligned(self.block.nbytes) + BLOCK_ALIGNMENT, canvas.height, canvas.width)

    def calls(
        self, outputs: Mapping[str, int], transform: ImageTransform, *, limits: int, workspace: int, result: int
    ) -> tuple[KernelCall, ...]:
        """`HeadKernels` says more."""
        canvas = self._canvas(transform)
        rows, columns = canvas.axes
        axes = np.uint64(workspace + aligned(self._boxes.workspace_bytes))
        overflows = np.uint64(result + aligned(self.block.nbytes))
        tabled = KernelCall(
            source=self._axes,
            grid=(blocks_of(rows.crop_px + columns.crop_px), 1, 1),
            block=THREADS,
            arguments=(
                axes, overflows,
                *axis_arguments(rows), *(np.int32(cell) for cell in canvas.between(rows)),
                *axis_arguments(columns), *(np.int32(cell) for cell in canvas.between(columns)),
            ),
        )  # fmt: skip
        tile = canvas.tile()
        boxes, prototypes = (np.uint64(outputs[name]) for name in self._outputs)
        painted = KernelCall(
            source=self._paint,
            grid=(blocks_of(canvas.width, tile.width), blocks_of(canvas.height, tile.height), 1),
            block=PIXEL_THREADS,
            arguments=(
                *(np.uint64(result + offset) for offset in (self.block.count, self.block.boxes, self.block.positions)),
                boxes, np.int32(self._candidates), np.int32(self._first_coefficient), np.int32(self._masks),
                prototypes, *(np.int32(size) for size in self._grid),
                axes, *(np.int32(n) for n in canvas.crop), *(np.float64(n) for n in canvas.edges),
                np.int32(tile.width), np.int32(tile.height),
                np.uint64(result + self.mask_place(transform).offset),
                np.int32(canvas.width), np.int32(canvas.height), overflows,
            ),
            shared_bytes=4 * tile.cells,
        )  # fmt: skip
        found = self._boxes.calls(outputs, transform, limits=limits, workspace=workspace, result=result)
        return (*found, tabled, painted)

    def read(self, result: NDArray[np.uint8], transform: ImageTransform) -> InstanceDetections:
        """The objects and their pixels; `HeadKernels` says more."""
        found = self._boxes.read(result, transform)
        if view(result, aligned(self.block.nbytes), np.int32, (1,))[0]:
            raise FrameError(DropReason.INFERENCE_FAILED, "an object's mask coefficients times the prototypes overflow")
        ids = self.mask_place(transform).read(result)
        return InstanceDetections(boxes=found.boxes, scores=found.scores, class_ids=found.class_ids, instance_ids=ids)

    def _canvas(self, transform: ImageTransform) -> InstanceCanvas:
        return InstanceCanvas.of(transform, self._network, self._grid, self._size)
