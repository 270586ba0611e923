"""End-to-end heads: the model itself leaves one box an object."""

from __future__ import annotations

from trt_perception.decode.candidates import check_finite
from trt_perception.decode.finished_boxes import finished_detections
from trt_perception.decode.head_check import check_labels, check_shape, single_output
from trt_perception.decode.head_decoder import Tensors
from trt_perception.detections import Detections
from trt_perception.model.model_spec import HeadSpec, ModelSpec
from trt_perception.preprocess.image_transform import ImageTransform
from trt_perception.thresholds import Thresholds


class Yolov10Decoder:
    """[1, n, 6]: x1 y1 x2 y2 in network pixels, score, class. No NMS; `nms_iou` is not used.

    Args:
        head: The head.
        spec: The model.

    Raises:
        ModelError: The output's shape or dtype is another, or there are no labels.
    """

    def __init__(self, head: HeadSpec, spec: ModelSpec) -> None:
        check_labels(head, spec)
        output = single_output(head, spec)
        check_shape(head, spec, output, (1, "n", 6))
        self._output = output.name
        self._labels = head.labels

    def decode(self, outputs: Tensors, transform: ImageTransform, thresholds: Thresholds) -> Detections:
        """The objects; `HeadDecoder` says more."""
        rows = outputs[self._output][0]
        check_finite(self._output, rows)
        return finished_detections(
            rows[:, :4],
            rows[:, 4],
            rows[:, 5],
            output=self._output,
            labels=self._labels,
            transform=transform,
            thresholds=thresholds,
        )
