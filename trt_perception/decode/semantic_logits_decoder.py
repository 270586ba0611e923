"""Semantic segmentation heads that give a score for each class."""

from __future__ import annotations

import numpy as np

from trt_perception.decode.candidates import check_finite
from trt_perception.decode.head_check import check_mask_labels, check_shape, single_output, wrong
from trt_perception.decode.head_decoder import Tensors
from trt_perception.decode.logits_argmax import largest, logits_argmax
from trt_perception.decode.mask_grid import mask_axes
from trt_perception.decode.mask_of_crop import mask_of_crop
from trt_perception.model.model_spec import HeadKind, HeadSpec, MaskSize, ModelSpec
from trt_perception.preprocess.image_transform import ImageTransform
from trt_perception.segmentation_mask import SegmentationMask
from trt_perception.thresholds import Thresholds


class SemanticLogitsDecoder:
    """[1, classes, h, w] at any stride. At camera size logits are interpolated, then the largest wins.

    A model with two labels may have one channel: its logit above 0 is the second label. A binary mask has one channel
    behind a Sigmoid already: above 0.5 is the second label.

    Args:
        head: The head.
        spec: The model; the first input's size is the network's.

    Raises:
        ModelError: The output's shape or dtype does not fit the labels, or there are more than 255.
    """

    def __init__(self, head: HeadSpec, spec: ModelSpec) -> None:
        check_mask_labels(head, spec)
        output = single_output(head, spec)
        one_channel = len(output.shape) == 4 and output.shape[1] == 1
        if one_channel and len(head.labels) != 2:
            raise wrong(
                head,
                spec,
                f"output {output.name!r} has one channel, which tells two labels apart (the background first), "
                f"got {len(head.labels)}",
            )
        is_binary = head.kind is HeadKind.BINARY_MASK
        check_shape(head, spec, output, (1, 1 if one_channel or is_binary else len(head.labels), "h", "w"))
        self._output = output.name
        self._border = 0.5 if is_binary else 0.0
        self._size = head.mask_size
        self._network = (spec.inputs[0].height, spec.inputs[0].width)

    def decode(self, outputs: Tensors, transform: ImageTransform, thresholds: Thresholds) -> SegmentationMask:
        """The class of every pixel; `HeadDecoder` says more."""
        logits = outputs[self._output][0]
        check_finite(self._output, logits)
        if self._border:
            logits = logits.astype(np.float32) - self._border  # above 0 is the second label, then
        rows, columns = mask_axes(transform, self._network, logits.shape[1:])
        if self._size is MaskSize.NETWORK:
            inside = logits[:, rows.inside(), columns.inside()]
            return SegmentationMask(class_ids=largest(inside))
        return mask_of_crop(logits_argmax(logits.astype(np.float32, copy=False), rows, columns), transform)
