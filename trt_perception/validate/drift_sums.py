"""Sums of what two runs found in the frames that both have, kept so that any weighting of the frames is cheap."""

from __future__ import annotations

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from trt_perception.detections import Detections
from trt_perception.validate.box_pairs import pair_boxes


class Field(IntEnum):
    """Column of a sum."""

    HERE = 0
    """Detections of this run."""
    BASELINE = 1
    """Detections of the baseline."""
    MATCHED = 2
    """Objects that both have."""
    SAME = 3
    """Of these, with the same class."""
    SCORE_HERE = 4
    """Sum of this run's scores of matched objects."""
    SCORE_BASELINE = 5
    """Sum of the baseline's scores of matched objects."""
    IOU = 6
    """Sum of the overlaps of matched objects."""
    ADDED = 7
    """Objects that only this run has."""
    LOST = 8
    """Objects that only the baseline has."""


class DriftSums:
    """One detection head, over frames counted from 0."""

    def __init__(self) -> None:
        self._frames: list[NDArray[np.intp]] = [np.zeros(0, np.intp)]
        self._classes: list[NDArray[np.intp]] = [np.zeros(0, np.intp)]
        self._values: list[NDArray[np.float64]] = [np.zeros((0, len(Field)))]

    def add(self, frame: int, here: Detections, baseline: Detections) -> None:
        """Count one frame's detections of at least the operating score."""
        pairs = pair_boxes(here, baseline)
        classes = np.unique(np.concatenate([here.class_ids, baseline.class_ids]))
        values = np.zeros((len(classes), len(Field)))
        # A matched object belongs to the class that the baseline gives it.
        own = np.searchsorted(classes, baseline.class_ids[pairs.baseline])
        np.add.at(values[:, Field.HERE], np.searchsorted(classes, here.class_ids), 1)
        np.add.at(values[:, Field.BASELINE], np.searchsorted(classes, baseline.class_ids), 1)
        np.add.at(values[:, Field.MATCHED], own, 1)
        np.add.at(values[:, Field.SAME], own, pairs.same_class)
        np.add.at(values[:, Field.SCORE_HERE], own, here.scores[pairs.here])
        np.add.at(values[:, Field.SCORE_BASELINE], own, baseline.scores[pairs.baseline])
        np.add.at(values[:, Field.IOU], own, pairs.iou)
        added = np.delete(here.class_ids, pairs.here)
        lost = np.delete(baseline.class_ids, pairs.baseline)
        np.add.at(values[:, Field.ADDED], np.searchsorted(classes, added), 1)
        np.add.at(values[:, Field.LOST], np.searchsorted(classes, lost), 1)
        self._frames.append(np.full(len(classes), frame, np.intp))
        self._classes.append(classes.astype(np.intp))
        self._values.append(values)

    def by_block(
        self, blocks: NDArray[np.intp], *, frames: NDArray[np.bool_] | None = None, class_id: int | None = None
    ) -> NDArray[np.float64]:
        """Sums of each block: float64 (blocks, fields).

        Args:
            blocks: intp (frames,), the block of each frame.
            frames: bool (frames,), those that count. Default: all.
            class_id: The class that counts. Default: all.
        """
        frame = np.concatenate(self._frames)
        values = np.concatenate(self._values)
        chosen = np.ones(len(frame), np.bool_)
        if frames is not None:
            chosen &= frames[frame]
        if class_id is not None:
            chosen &= np.concatenate(self._classes) == class_id
        sums = np.zeros((int(blocks.max()) + 1 if len(blocks) else 0, len(Field)))
        np.add.at(sums, blocks[frame[chosen]], values[chosen])
        return sums
