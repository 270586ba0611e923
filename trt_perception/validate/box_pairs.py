"""Which boxes of two runs over one frame are the same object."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from trt_perception.detections import Detections
from trt_perception.validate.match_objects import box_iou

MIN_IOU = 0.5


@dataclass(frozen=True, kw_only=True, eq=False)
class BoxPairs:
    """The detections that both runs have.

    Args:
        here: intp (n,), index of the detection in this run.
        baseline: intp (n,), index of the same object in the baseline.
        iou: float32 (n,), overlap of the two boxes.
        same_class: bool (n,), whether both runs give it the same class.
    """

    here: NDArray[np.intp]
    baseline: NDArray[np.intp]
    iou: NDArray[np.float32] = field(repr=False)
    same_class: NDArray[np.bool_]


def pair_boxes(here: Detections, baseline: Detections, *, min_iou: float = MIN_IOU) -> BoxPairs:
    """Pairs boxes one to one, largest overlap first; first those of one class, then the rest whatever their class.

    Args:
        here: One run's detections.
        baseline: The other's.
        min_iou: Smallest overlap, intersection over union, of the same object.
    """
    iou = box_iou(here.boxes, baseline.boxes)
    same = here.class_ids[:, None] == baseline.class_ids[None, :]
    rows: list[int] = []
    columns: list[int] = []
    for allowed in (same, ~same):
        open_ = allowed & (iou >= min_iou) & (iou > 0.0)
        open_[rows] = False
        open_[:, columns] = False
        left, right = np.nonzero(open_)
        order = np.lexsort((right, left, -iou[left, right]))
        for row, column in zip(left[order].tolist(), right[order].tolist(), strict=True):
            if row not in rows and column not in columns:
                rows.append(row)
                columns.append(column)
    here_index, baseline_index = np.array(rows, np.intp), np.array(columns, np.intp)
    return BoxPairs(
        here=here_index,
        baseline=baseline_index,
        iou=iou[here_index, baseline_index],
        same_class=same[here_index, baseline_index],
    )
