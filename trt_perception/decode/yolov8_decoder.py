"""YOLOv8, 9, 11 and 12 heads as Ultralytics exports them, without NMS inside."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

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
        best, scores, class_ids = best_cells(output[4:], thresholds.by_class(self._labels))
        return to_detections(
            output[:4, best].T.astype(np.float32),
            scores,
            class_ids,
            output=self._output,
            transform=transform,
            thresholds=thresholds,
        )


def best_cells(
    classes: NDArray[Any], limits: NDArray[np.float32]
) -> tuple[NDArray[np.intp], NDArray[np.float32], NDArray[np.intp]]:
    """The cells whose best class reaches its limit, best score first.

    Args:
        classes: (classes, n): scores from 0 to 1.
        limits: (classes,), lowest score of each.

    Returns:
        Positions, scores and class ids: (m,) each.
    """
    # The largest score alone is a fast reduction; which class it is, only the few that pass need to know.
    hopeful = np.flatnonzero(classes.max(axis=0) >= limits.min())
    passed = classes[:, hopeful].T
    class_ids = passed.argmax(axis=1)
    scores = passed[np.arange(len(hopeful)), class_ids].astype(np.float32)
    best = select(scores, class_ids, limits)
    return hopeful[best], scores[best], class_ids[best]
