"""Heads that end in the EfficientNMS plugin, or in the same four outputs made otherwise."""

from __future__ import annotations

from trt_perception.decode.candidates import check_finite
from trt_perception.decode.finished_boxes import finished_detections
from trt_perception.decode.head_check import FLOATS, INTEGERS, check_dtype, check_labels, check_shape, head_outputs
from trt_perception.decode.head_decoder import Tensors
from trt_perception.detections import Detections
from trt_perception.errors import DropReason, FrameError
from trt_perception.model.model_spec import HeadSpec, ModelSpec
from trt_perception.preprocess.image_transform import ImageTransform
from trt_perception.thresholds import Thresholds


class EfficientNmsDecoder:
    """Count [1, 1], boxes [1, n, 4] as x1 y1 x2 y2 in network pixels, scores [1, n], classes [1, n]; no NMS here.

    Only the first `count` rows mean anything.
    Source: https://github.com/NVIDIA/TensorRT, plugin/efficientNMSPlugin/README.md.

    Args:
        head: The head, its outputs in that order.
        spec: The model.

    Raises:
        ModelError: An output's shape or dtype is another, or there are no labels.
    """

    def __init__(self, head: HeadSpec, spec: ModelSpec) -> None:
        check_labels(head, spec)
        outputs = head_outputs(head, spec, 4, (*FLOATS, *INTEGERS))
        rows = outputs[1].shape[1] if len(outputs[1].shape) == 3 else 0
        expected = (INTEGERS, (1, 1)), (FLOATS, (1, "n", 4)), (FLOATS, (1, rows)), (INTEGERS, (1, rows))
        for output, (dtypes, shape) in zip(outputs, expected, strict=True):
            check_dtype(head, spec, output, dtypes)
            check_shape(head, spec, output, shape)
        self._count, self._boxes, self._scores, self._classes = head.outputs
        self._labels = head.labels

    def decode(self, outputs: Tensors, transform: ImageTransform, thresholds: Thresholds) -> Detections:
        """The objects; `HeadDecoder` says more."""
        boxes = outputs[self._boxes][0]
        count = int(outputs[self._count][0, 0])
        if not 0 <= count <= len(boxes):
            raise FrameError(
                DropReason.INFERENCE_FAILED, f"output {self._count!r}: {count} boxes, expected 0 to {len(boxes)}"
            )
        boxes, scores = boxes[:count], outputs[self._scores][0, :count]
        check_finite(self._boxes, boxes)
        check_finite(self._scores, scores)
        return finished_detections(
            boxes,
            scores,
            outputs[self._classes][0, :count],
            output=self._classes,
            labels=self._labels,
            transform=transform,
            thresholds=thresholds,
        )
