"""YOLOv8, 9, 11 and 12 heads as Ultralytics exports them, without NMS inside."""

from __future__ import annotations

import numpy as np

from trt_perception.decode.candidates import check_finite, select, to_detections
from trt_perception.decode.head_check import check_labels, check_shape, single_output
from trt_perception.decode.head_decoder import Tensors
from trt_perception.detections import Detections
from trt_perception.model.model_spec import HeadSpec, ModelSpec
from trt_perception.preprocess.image_transform import ImageTransform
from trt_perception.thresholds import Thresholds


class Yolov8Decoder:
    """[1, 4 + classes, n]: x y w h in network pixels, class scores from 0 to 1. A box's score is its best class's.

    Args:
        head: The head.
        spec: The model.

    Raises:
        ModelError: The output's shape or dtype does not fit the labels.
    """

    def __init__(self, head: HeadSpec, spec: ModelSpec) -> None:
        check_labels(head, spec)
        output = single_output(head, spec)
        check_shape(head, spec, output, (1, 4 + len(head.labels), "n"))
        self._output = output.name
        self._labels = head.labels

    def decode(self, outputs: Tensors, transform: ImageTransform, thresholds: Thresholds) -> Detections:
        """The objects; `HeadDecoder` says more."""
        output = outputs[self._output][0]
        check_finite(self._output, output)
        limits = thresholds.by_class(self._labels)
        # The largest score alone is a fast reduction; which class it is, only the few that pass need to know.
        hopeful = np.flatnonzero(output[4:].max(axis=0) >= limits.min())
        classes = output[4:, hopeful].T
        class_ids = classes.argmax(axis=1)
        scores = classes[np.arange(len(hopeful)), class_ids].astype(np.float32)
        best = select(scores, class_ids, limits)
        return to_detections(
            output[:4, hopeful[best]].T.astype(np.float32),
            scores[best],
            class_ids[best],
            output=self._output,
            transform=transform,
            thresholds=thresholds,
        )
