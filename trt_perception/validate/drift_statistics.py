"""Figures of drift with their intervals."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from trt_perception.detections import Detections
from trt_perception.validate.drift import BoxDrift, Change, Estimate, MaskDrift, PrecisionDrift
from trt_perception.validate.drift_sums import DriftSums, Field
from trt_perception.validate.image_truth import ImageTruth
from trt_perception.validate.paired_bootstrap import (
    BootstrapOptions,
    chunks,
    draw_weights,
    percentile_interval,
    time_blocks,
)
from trt_perception.validate.precision_table import PrecisionTable, mean_of_classes

Values = NDArray[np.float64]
Pairs = Sequence[tuple[Detections, ImageTruth]]


@dataclass(frozen=True, kw_only=True)
class PrecisionScores:
    """Average precision of all classes, of each that has objects, and of each camera that has objects."""

    all: PrecisionDrift
    by_class: Mapping[str, PrecisionDrift]
    map50_by_camera: Mapping[str, Change]


class DriftStatistics:
    """Judges sums over frames.

    The first row of all weights has every stretch of time once: that is the figure itself; the others are the draws.

    Args:
        instants: Bag and time in nanoseconds of each frame.
        cameras: Camera of each frame.
        options: How intervals are made.
    """

    def __init__(self, instants: Sequence[tuple[str, int]], cameras: Sequence[str], options: BootstrapOptions) -> None:
        self._options = options
        self._blocks = time_blocks(instants, options.block_s)
        self._cameras = np.array(cameras, np.str_)
        self.block_count = int(self._blocks.max()) + 1 if len(self._blocks) else 0
        self.camera_names = tuple(sorted(set(cameras)))
        drawn = draw_weights(self.block_count, options)
        once = np.ones((1, self.block_count), np.int64)
        self._weights = once if drawn is None else np.concatenate([once, drawn])

    def boxes(self, sums: DriftSums, *, class_id: int | None = None, camera: str | None = None) -> BoxDrift:
        """Drift of the detections of a class, a camera, or all."""
        frames = None if camera is None else self._cameras == camera
        blocks = sums.by_block(self._blocks, frames=frames, class_id=class_id)
        rows = self._weights @ blocks
        column = {name: rows[:, name] for name in Field}
        count = {name: int(column[name][0]) for name in Field}
        return BoxDrift(
            count=self._relative(column[Field.HERE], column[Field.BASELINE]),
            matched=count[Field.MATCHED],
            lost=count[Field.LOST],
            added=count[Field.ADDED],
            class_changed=count[Field.MATCHED] - count[Field.SAME],
            agreement=self._value(_ratio(2 * column[Field.SAME], column[Field.HERE] + column[Field.BASELINE])),
            score=self._change(
                _ratio(column[Field.SCORE_HERE], column[Field.MATCHED]),
                _ratio(column[Field.SCORE_BASELINE], column[Field.MATCHED]),
            ),
            mean_iou=self._value(_ratio(column[Field.IOU], column[Field.MATCHED])),
        )

    def precision(
        self, here: Pairs, baseline: Pairs, frames: Sequence[int], labels: tuple[str, ...]
    ) -> PrecisionScores | None:
        """Average precision of both runs over the frames with truth; None where there are none.

        Args:
            here: This run's detections and truth, frame by frame.
            baseline: The baseline's.
            frames: Which frames these are.
            labels: Name of each class.
        """
        if not frames:
            return None
        blocks = self._blocks[list(frames)]
        sides = [PrecisionTable(pairs, blocks, class_count=len(labels)) for pairs in (here, baseline)]
        (half_here, all_here), (half_before, all_before) = [side.class_precision(self._weights) for side in sides]

        def drift(pick: Callable[[Values], Values]) -> PrecisionDrift:
            return PrecisionDrift(
                map50=self._change(pick(half_here), pick(half_before)),
                map50_95=self._change(pick(all_here), pick(all_before)),
            )

        return PrecisionScores(
            all=drift(mean_of_classes),
            by_class={
                label: drift(partial(_column, class_id))
                for class_id, label in enumerate(labels)
                if np.isfinite(half_here[0, class_id]) or np.isfinite(half_before[0, class_id])
            },
            map50_by_camera=dict(self._map50_by_camera(sides, self._cameras[list(frames)])),
        )

    def _map50_by_camera(
        self, sides: Sequence[PrecisionTable], cameras: NDArray[np.str_]
    ) -> Iterator[tuple[str, Change]]:
        for camera in self.camera_names:
            one, other = (
                mean_of_classes(side.class_precision(self._weights, frames=cameras == camera, thresholds=1)[0])
                for side in sides
            )
            if np.isfinite(one[0]) or np.isfinite(other[0]):
                yield camera, self._change(one, other)

    def masks(
        self,
        here: Sequence[NDArray[np.int64]],
        baseline: Sequence[NDArray[np.int64]],
        frames: Sequence[int],
        labels: tuple[str, ...],
    ) -> MaskDrift:
        """Intersection over union of both runs over the frames with a true mask.

        Args:
            here: This run's confusion, frame by frame: int64 (m, 3) of true id, predicted id, pixels.
            baseline: The baseline's.
            frames: Which frames these are.
            labels: Name of each class.
        """
        blocks = self._blocks[list(frames)]
        one, other = (self._iou(cells, blocks, len(labels)) for cells in (here, baseline))
        return MaskDrift(
            miou=self._change(mean_of_classes(one), mean_of_classes(other)),
            iou={label: self._change(one[:, index], other[:, index]) for index, label in enumerate(labels)},
        )

    def _iou(self, cells: Sequence[NDArray[np.int64]], blocks: NDArray[np.intp], classes: int) -> Values:
        """float64 (replicates, classes), NaN where neither side has a pixel of the class."""
        sums = np.zeros((self.block_count, classes, classes + 1))
        for block, frame in zip(blocks.tolist(), cells, strict=True):
            np.add.at(sums[block], (frame[:, 0], frame[:, 1]), frame[:, 2])
        flat = sums.reshape(self.block_count, -1)
        parts = []
        for weights in chunks(self._weights, flat.shape[1]):
            matrix = (weights @ flat).reshape(-1, classes, classes + 1)
            hit = np.diagonal(matrix, axis1=1, axis2=2)
            union = matrix.sum(axis=2) + matrix[:, :, :classes].sum(axis=1) - hit
            parts.append(_ratio(hit, union))
        return np.concatenate(parts)

    def _change(self, here: Values, baseline: Values) -> Change:
        """Difference of two statistics, row by row."""
        return self._estimate(here, baseline, here - baseline)

    def _relative(self, here: Values, baseline: Values) -> Change:
        """Their difference as a share of the baseline's."""
        return self._estimate(here, baseline, _ratio(here - baseline, baseline))

    def _estimate(self, here: Values, baseline: Values, values: Values) -> Change:
        found = self._value(values)
        return Change(
            here=_plain(here[0]), baseline=_plain(baseline[0]), value=found.value, low=found.low, high=found.high
        )

    def _value(self, values: Values) -> Estimate:
        """One statistic and its interval."""
        interval = percentile_interval(values[1:], self._options.confidence) if np.isfinite(values[0]) else None
        if interval is None:
            return Estimate(value=_plain(values[0]))
        return Estimate(value=_plain(values[0]), low=interval.low, high=interval.high)


def _ratio(above: Values, below: Values) -> Values:
    """NaN where it is 0 / 0 or x / 0."""
    ratio: Values = np.divide(above, below, out=np.full(np.shape(above), np.nan), where=below != 0)
    return ratio


def _column(class_id: int, values: Values) -> Values:
    return values[:, class_id]


def _plain(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
