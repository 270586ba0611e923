"""DETR and its successors as trained: class logits and boxes of every query."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from trt_perception.decode.candidates import check_finite
from trt_perception.decode.finished_boxes import finished_detections
from trt_perception.decode.head_check import check_labels, check_shape, head_outputs
from trt_perception.decode.head_decoder import Tensors
from trt_perception.decode.network_corners import network_corners
from trt_perception.detections import Detections
from trt_perception.model.model_spec import HeadKind, HeadSpec, ModelSpec
from trt_perception.preprocess.image_transform import ImageTransform
from trt_perception.thresholds import Thresholds


class DetrDecoder:
    """Logits [1, queries, columns] and boxes [1, queries, 4], cx cy w h as fractions of the network's size. No NMS.

    With sigmoids (Deformable DETR, arXiv 2010.04159) every class of every query is a candidate, of which as many as
    there are queries remain, the best ones: one query may be two objects. With a softmax (DETR, arXiv 2005.12872) a
    query is one object of its best class; the last column, no object, takes its share and is never the answer.

    Args:
        head: The head.
        spec: The model; the first input's size is the network's.

    Raises:
        ModelError: The outputs' shapes or dtypes do not fit the labels.
    """

    def __init__(self, head: HeadSpec, spec: ModelSpec) -> None:
        check_labels(head, spec)
        self._is_softmax = head.kind is HeadKind.DETR_SOFTMAX
        logits, boxes = head_outputs(head, spec, 2)
        check_shape(head, spec, logits, (1, "queries", len(head.labels) + self._is_softmax))
        check_shape(head, spec, boxes, (1, logits.shape[1], 4))
        self._logits, self._boxes = logits.name, boxes.name
        self._labels = head.labels
        self._network = spec.inputs[0]

    def decode(self, outputs: Tensors, transform: ImageTransform, thresholds: Thresholds) -> Detections:
        """The objects; `HeadDecoder` says more."""
        logits, boxes = outputs[self._logits][0], outputs[self._boxes][0]
        check_finite(self._logits, logits)
        check_finite(self._boxes, boxes)
        values = logits.astype(np.float32, copy=False)
        if self._is_softmax:
            queries, class_ids, scores = _best_classes(values)
        else:
            queries, class_ids, scores = _best_pairs(values, thresholds.by_class(self._labels).min())
        return finished_detections(
            network_corners(boxes[queries], self._network),
            scores,
            class_ids,
            output=self._logits,
            labels=self._labels,
            transform=transform,
            thresholds=thresholds,
        )


_Chosen = tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float32]]
"""Query, class and score of the candidates: (n,) each."""


def _best_pairs(logits: NDArray[np.float32], least: np.float32) -> _Chosen:
    """The best queries times classes, as many as there are queries, best first, ties by index."""
    with np.errstate(over="ignore"):  # exp of a large number is infinite, and the score then 0, as it should be
        scores = np.reciprocal(1 + np.exp(-logits.ravel()))
    hopeful = np.flatnonzero(scores >= least)  # sorting all of them would take most of the time
    best = hopeful[np.argsort(-scores[hopeful], kind="stable")[: len(logits)]]
    queries, class_ids = np.divmod(best, logits.shape[1])
    return queries, class_ids, scores[best]


def _best_classes(logits: NDArray[np.float32]) -> _Chosen:
    """Each query's best class other than no object, the last one."""
    with np.errstate(over="ignore"):  # a difference beyond floats is a share of 0
        shares = np.exp(logits - logits.max(axis=1, keepdims=True))
    class_ids = shares[:, :-1].argmax(axis=1)
    queries = np.arange(len(logits))
    scores: NDArray[np.float32] = shares[queries, class_ids] / shares.sum(axis=1)
    return queries, class_ids, scores
