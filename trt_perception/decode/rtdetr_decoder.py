"""RT-DETR heads as Ultralytics exported them up to 2026: one row of class scores a query."""

from __future__ import annotations

import numpy as np

from trt_perception.decode.candidates import check_finite
from trt_perception.decode.finished_boxes import finished_detections
from trt_perception.decode.head_check import check_labels, check_shape, single_output
from trt_perception.decode.head_decoder import Tensors
from trt_perception.decode.network_corners import network_corners
from trt_perception.detections import Detections
from trt_perception.model.model_spec import HeadSpec, ModelSpec
from trt_perception.preprocess.image_transform import ImageTransform
from trt_perception.thresholds import Thresholds


class RtdetrDecoder:
    """[1, queries, 4 + classes]: cx cy w h as fractions of the network's size, class scores from 0 to 1.

    A query is one object of its best class; there is no NMS, since queries are trained to find each object once.

    Args:
        head: The head.
        spec: The model; the first input's size is the network's.

    Raises:
        ModelError: The output's shape or dtype does not fit the labels.
    """

    def __init__(self, head: HeadSpec, spec: ModelSpec) -> None:
        check_labels(head, spec)
        output = single_output(head, spec)
        check_shape(head, spec, output, (1, "queries", 4 + len(head.labels)))
        self._output = output.name
        self._labels = head.labels
        self._network = spec.inputs[0]

    def decode(self, outputs: Tensors, transform: ImageTransform, thresholds: Thresholds) -> Detections:
        """The objects; `HeadDecoder` says more."""
        rows = outputs[self._output][0]
        check_finite(self._output, rows)
        class_ids = rows[:, 4:].argmax(axis=1)
        return finished_detections(
            network_corners(rows[:, :4], self._network),
            rows[np.arange(len(rows)), 4 + class_ids],
            class_ids,
            output=self._output,
            labels=self._labels,
            transform=transform,
            thresholds=thresholds,
        )
