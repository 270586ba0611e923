"""YOLOX heads, with boxes in grid units or already decoded."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from trt_perception.decode.candidates import check_finite, to_detections
from trt_perception.decode.head_check import check_labels, check_shape, single_output, wrong
from trt_perception.decode.head_decoder import Tensors
from trt_perception.decode.objectness_rows import best_rows
from trt_perception.detections import Detections
from trt_perception.model.model_spec import HeadKind, HeadSpec, ModelSpec
from trt_perception.preprocess.image_transform import ImageTransform
from trt_perception.thresholds import Thresholds


class YoloxDecoder:
    """[1, n, 5 + classes]: x y w h, objectness, class scores. A box's score is objectness x best class score.

    Undecoded boxes are ``centre = (p + cell) * stride``, ``size = exp(p) * stride`` (YOLOX, arXiv 2107.08430), cells
    row by row, finest stride first. The best class alone decides: raising its limit hides the object, it does not
    make it one of the second-best class.

    Args:
        head: The head.
        spec: The model; the first input's size is the network's.

    Raises:
        ModelError: The output's shape or dtype does not fit the labels, the strides or the input's size.
    """

    def __init__(self, head: HeadSpec, spec: ModelSpec) -> None:
        check_labels(head, spec)
        output = single_output(head, spec)
        check_shape(head, spec, output, (1, "n", 5 + len(head.labels)))
        self._output = output.name
        self._labels = head.labels
        self._grid: NDArray[np.float32] | None = None
        if head.kind is HeadKind.YOLOX:
            self._grid = _grid(head, spec)
            if len(self._grid) != output.shape[1]:
                raise wrong(
                    head,
                    spec,
                    f"strides {list(head.strides)} make {len(self._grid)} cells of an input of "
                    f"{spec.inputs[0].width} x {spec.inputs[0].height}, output {output.name!r} has {output.shape[1]}",
                )

    def decode(self, outputs: Tensors, transform: ImageTransform, thresholds: Thresholds) -> Detections:
        """The objects; `HeadDecoder` says more."""
        output = outputs[self._output][0]
        check_finite(self._output, output)
        limits = thresholds.by_class(self._labels)
        best, scores, class_ids = best_rows(output, limits)
        return to_detections(
            self._boxes(output, best),
            scores,
            class_ids,
            output=self._output,
            transform=transform,
            thresholds=thresholds,
        )

    def _boxes(self, output: NDArray[Any], positions: NDArray[np.intp]) -> NDArray[np.float32]:
        boxes = output[positions, :4].astype(np.float32)
        if self._grid is None:
            return boxes
        cells = self._grid[positions]
        stride = cells[:, 2:]
        with np.errstate(over="ignore"):  # an infinite size is refused with the box
            return np.concatenate(((boxes[:, :2] + cells[:, :2]) * stride, np.exp(boxes[:, 2:]) * stride), axis=1)


def _grid(head: HeadSpec, spec: ModelSpec) -> NDArray[np.float32]:
    """Column, row and stride of every cell: float32 (n, 3)."""
    cells = []
    for stride in head.strides:
        rows, columns = np.mgrid[: spec.inputs[0].height // stride, : spec.inputs[0].width // stride]
        cells.append(np.stack((columns.ravel(), rows.ravel(), np.full(rows.size, stride)), axis=1))
    return np.concatenate(cells).astype(np.float32)
