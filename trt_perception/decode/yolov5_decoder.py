"""YOLOv5 and YOLOv7 heads, whose boxes the model has decoded."""

from __future__ import annotations

import numpy as np

from trt_perception.decode.candidates import check_finite, select, to_detections
from trt_perception.decode.head_check import check_labels, check_shape, single_output
from trt_perception.decode.head_decoder import Tensors
from trt_perception.decode.objectness_rows import best_rows
from trt_perception.detections import Detections
from trt_perception.model.model_spec import HeadKind, HeadSpec, ModelSpec
from trt_perception.preprocess.image_transform import ImageTransform
from trt_perception.thresholds import Thresholds


class Yolov5Decoder:
    """[1, n, 5 + classes]: x y w h in network pixels, objectness, class scores. Score: objectness x best class score.

    YOLOv7 does not train the class score of a model with one class: there objectness alone is the score.
    Sources: https://github.com/ultralytics/yolov5 and https://github.com/WongKinYiu/yolov7, utils/general.py.

    Args:
        head: The head.
        spec: The model.

    Raises:
        ModelError: The output's shape or dtype does not fit the labels.
    """

    def __init__(self, head: HeadSpec, spec: ModelSpec) -> None:
        check_labels(head, spec)
        output = single_output(head, spec)
        check_shape(head, spec, output, (1, "n", 5 + len(head.labels)))
        self._output = output.name
        self._labels = head.labels
        self._is_objectness_alone = head.kind is HeadKind.YOLOV7 and len(head.labels) == 1

    def decode(self, outputs: Tensors, transform: ImageTransform, thresholds: Thresholds) -> Detections:
        """The objects; `HeadDecoder` says more."""
        output = outputs[self._output][0]
        check_finite(self._output, output)
        limits = thresholds.by_class(self._labels)
        if self._is_objectness_alone:
            scores = output[:, 4].astype(np.float32)
            class_ids = np.zeros(len(scores), np.intp)
            best = select(scores, class_ids, limits)
            scores, class_ids = scores[best], class_ids[best]
        else:
            best, scores, class_ids = best_rows(output, limits)
        return to_detections(
            output[best, :4].astype(np.float32),
            scores,
            class_ids,
            output=self._output,
            transform=transform,
            thresholds=thresholds,
        )
