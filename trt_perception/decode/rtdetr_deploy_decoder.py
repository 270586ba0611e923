"""RT-DETR and D-FINE with their post-processing inside: labels, boxes and scores."""

from __future__ import annotations

from trt_perception.decode.candidates import check_finite
from trt_perception.decode.finished_boxes import finished_detections
from trt_perception.decode.head_check import FLOATS, INTEGERS, check_dtype, check_labels, check_shape, head_outputs
from trt_perception.decode.head_decoder import Tensors
from trt_perception.detections import Detections
from trt_perception.model.model_spec import HeadSpec, ModelSpec
from trt_perception.preprocess.image_transform import ImageTransform
from trt_perception.thresholds import Thresholds


class RtdetrDeployDecoder:
    """Labels [1, k], boxes [1, k, 4] x1 y1 x2 y2 in network pixels, scores [1, k] from 0 to 1. No NMS.

    Args:
        head: The head.
        spec: The model.

    Raises:
        ModelError: The outputs have other shapes or dtypes, or there are no labels.
    """

    def __init__(self, head: HeadSpec, spec: ModelSpec) -> None:
        check_labels(head, spec)
        labels, boxes, scores = head_outputs(head, spec, 3, (*INTEGERS, *FLOATS))
        check_dtype(head, spec, labels, INTEGERS)
        check_dtype(head, spec, boxes, FLOATS)
        check_dtype(head, spec, scores, FLOATS)
        check_shape(head, spec, labels, (1, "k"))
        check_shape(head, spec, boxes, (*labels.shape, 4))
        check_shape(head, spec, scores, labels.shape)
        self._class_ids, self._boxes, self._scores = labels.name, boxes.name, scores.name
        self._labels = head.labels

    def decode(self, outputs: Tensors, transform: ImageTransform, thresholds: Thresholds) -> Detections:
        """The objects; `HeadDecoder` says more."""
        boxes, scores = outputs[self._boxes][0], outputs[self._scores][0]
        check_finite(self._boxes, boxes)
        check_finite(self._scores, scores)
        return finished_detections(
            boxes,
            scores,
            outputs[self._class_ids][0],
            output=self._class_ids,
            labels=self._labels,
            transform=transform,
            thresholds=thresholds,
        )
