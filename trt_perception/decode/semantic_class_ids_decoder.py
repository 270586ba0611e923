"""Semantic segmentation heads that decide themselves."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from trt_perception.decode.head_check import INTEGERS, check_mask_labels, check_shape, single_output
from trt_perception.decode.head_decoder import Tensors
from trt_perception.decode.mask_grid import mask_axes
from trt_perception.decode.mask_of_crop import mask_of_crop
from trt_perception.errors import DropReason, FrameError
from trt_perception.model.model_spec import HeadSpec, MaskSize, ModelSpec
from trt_perception.preprocess.image_transform import ImageTransform
from trt_perception.segmentation_mask import UNLABELLED, SegmentationMask
from trt_perception.thresholds import Thresholds


class SemanticClassIdsDecoder:
    """[1, h, w] or [1, 1, h, w] of class ids at any stride. At camera size every pixel takes the cell it lies in.

    Ids are those of the labels; 255 stays unlabelled.

    Args:
        head: The head.
        spec: The model; the first input's size is the network's.

    Raises:
        ModelError: The output's shape or dtype is another, or there are more than 255 labels.
    """

    def __init__(self, head: HeadSpec, spec: ModelSpec) -> None:
        check_mask_labels(head, spec)
        output = single_output(head, spec, INTEGERS)
        check_shape(head, spec, output, (1, 1, "h", "w") if len(output.shape) == 4 else (1, "h", "w"))
        self._output = output.name
        self._classes = len(head.labels)
        self._size = head.mask_size
        self._network = (spec.inputs[0].height, spec.inputs[0].width)

    def decode(self, outputs: Tensors, transform: ImageTransform, thresholds: Thresholds) -> SegmentationMask:
        """The class of every pixel; `HeadDecoder` says more."""
        output = outputs[self._output]
        height, width = output.shape[-2:]
        rows, columns = mask_axes(transform, self._network, (height, width))
        ids = output.reshape(height, width)
        if self._size is MaskSize.NETWORK:
            return SegmentationMask(class_ids=self._checked(ids[rows.inside(), columns.inside()]))
        down, across = rows.nearest(), columns.nearest()
        seen = self._checked(ids[down[0] : down[-1] + 1, across[0] : across[-1] + 1])
        return mask_of_crop(seen[:, across - across[0]][down - down[0]], transform)

    def _checked(self, ids: NDArray[Any]) -> NDArray[np.uint8]:
        """The ids as bytes. Those of the padding are not looked at."""
        foreign = ids[((ids < 0) | (ids >= self._classes)) & (ids != UNLABELLED)]
        if foreign.size:
            raise FrameError(
                DropReason.INFERENCE_FAILED,
                f"output {self._output!r}: class id {foreign[0]}, expected 0 to {self._classes - 1} or {UNLABELLED}",
            )
        return ids.astype(np.uint8)
