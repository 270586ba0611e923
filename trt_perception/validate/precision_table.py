"""Average precision of one run over any weighting of its frames: matched once, summed up as often as needed.

With weight 1 for every frame it is COCO's; a frame of weight 2 counts as if it were there twice. Formula: COCOeval
(https://github.com/cocodataset/cocoapi, PythonAPI/pycocotools/cocoeval.py, `accumulate`): precision made monotonous
from the right, read at recall 0, 0.01, ... 1, mean of the 101 values.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trt_perception.detections import Detections
from trt_perception.validate.image_matches import match_images
from trt_perception.validate.image_truth import ImageTruth
from trt_perception.validate.paired_bootstrap import chunks

RECALLS = np.linspace(0.0, 1.0, 101)
THRESHOLDS = 10
"""IoU 0.50 to 0.95 in steps of 0.05."""
FRAMES_AT_ONCE = 500
"""Given to pycocotools at once: it needs a kilobyte a detection."""


@dataclass(frozen=True, kw_only=True, eq=False)
class ClassMatches:
    """All detections and objects of one class.

    Args:
        block: intp (d,), the block of the detection's frame; best score first.
        frame: intp (d,), its frame.
        hit: bool (10, d), whether it is an object, by IoU threshold.
        counts: bool (10, d), whether it counts at all: not on an ignored object.
        objects: int64 (frames,), objects that count.
    """

    block: NDArray[np.intp] = field(repr=False)
    frame: NDArray[np.intp] = field(repr=False)
    hit: NDArray[np.bool_] = field(repr=False)
    counts: NDArray[np.bool_] = field(repr=False)
    objects: NDArray[np.int64] = field(repr=False)

    def only(self, frames: NDArray[np.bool_]) -> ClassMatches:
        """Those of some frames: bool (frames,)."""
        kept = frames[self.frame]
        return ClassMatches(
            block=self.block[kept],
            frame=self.frame[kept],
            hit=self.hit[:, kept],
            counts=self.counts[:, kept],
            objects=np.where(frames, self.objects, 0),
        )

    def curves(
        self, weights: NDArray[np.int64], blocks: NDArray[np.intp], *, thresholds: int = THRESHOLDS
    ) -> NDArray[np.float64]:
        """Precision at the 101 recalls: float64 (replicates, thresholds, 101), NaN where no object counts.

        Args:
            weights: int64 (replicates, blocks).
            blocks: intp (frames,), the block of each frame.
            thresholds: How many of the ten IoU thresholds, from 0.50 on.
        """
        in_block = np.zeros(weights.shape[1], np.int64)
        np.add.at(in_block, blocks, self.objects)
        total = weights @ in_block
        wanted = _hits_wanted(total)
        result = np.zeros((len(weights), thresholds, len(RECALLS)))
        each = weights.astype(np.int32)[:, self.block]  # half the bytes, twice the speed
        for index in range(thresholds):
            hits = np.cumsum(each * self.hit[index], axis=1, dtype=np.int32)
            seen = np.cumsum(each * self.counts[index], axis=1, dtype=np.int32)
            precision = hits / np.maximum(seen, 1)
            best = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
            result[:, index] = _read(best, hits, wanted)
        result[total == 0] = np.nan
        return result


def _hits_wanted(total: NDArray[np.int64]) -> NDArray[np.int64]:
    """Fewest hits whose recall, as COCO divides it, reaches each of RECALLS: int64 (replicates, 101)."""
    count = np.maximum(total, 1)[:, None]
    wanted = np.ceil(RECALLS * count)
    wanted = np.where((wanted - 1) / count >= RECALLS, wanted - 1, wanted)
    wanted = np.where(wanted / count < RECALLS, wanted + 1, wanted)
    return wanted.astype(np.int64)


def _read(best: NDArray[np.float64], hits: NDArray[np.int32], wanted: NDArray[np.int64]) -> NDArray[np.float64]:
    """Precision where the hits first reach what is wanted, 0 where they never do; one search for all rows."""
    rows, columns = hits.shape
    if not columns:
        return np.zeros(wanted.shape)
    # Rows end to end, each lifted above the one before, are one ascending list.
    step = int(max(hits.max(), wanted.max())) + 1
    lift = np.arange(rows)[:, None] * step
    place = np.searchsorted((hits + lift).ravel(), (wanted + lift).ravel()).reshape(wanted.shape)
    place -= np.arange(rows)[:, None] * columns
    inside = place < columns
    read: NDArray[np.float64] = np.where(inside, np.take_along_axis(best, np.minimum(place, columns - 1), axis=1), 0.0)
    return read


@dataclass(frozen=True, kw_only=True, eq=False)
class _Image:
    """What COCOeval found of one class in one image: objects that count, and scores (d,), hits and ignored (10, d)."""

    objects: int
    scores: NDArray[np.float64]
    hit: NDArray[np.bool_]
    ignored: NDArray[np.bool_]


class PrecisionTable:
    """The matches of one run.

    Args:
        pairs: Detections and truth, one pair a frame.
        blocks: intp (frames,), the block of each frame.
        class_count: Classes.
        max_detections: Most detections of one frame and class that count, best first.

    Raises:
        MissingError: pycocotools is not installed.
    """

    def __init__(
        self,
        pairs: Sequence[tuple[Detections, ImageTruth]],
        blocks: NDArray[np.intp],
        *,
        class_count: int,
        max_detections: int = 100,
    ) -> None:
        self._blocks = blocks
        images: list[list[tuple[int, _Image]]] = [[] for _ in range(class_count)]
        for start in range(0, len(pairs), FRAMES_AT_ONCE):
            part = pairs[start : start + FRAMES_AT_ONCE]
            # By class, then by image; None for an image that has neither an object nor a detection of the class.
            found = match_images(part, class_count=class_count, max_detections=max_detections).evalImgs
            for class_id, rows in enumerate(images):
                of_class = found[class_id * len(part) : (class_id + 1) * len(part)]
                rows.extend(
                    (start + index, _compact(image)) for index, image in enumerate(of_class) if image is not None
                )
        self.classes = [_class_matches(rows, blocks) for rows in images]

    def class_precision(
        self, weights: NDArray[np.int64], *, frames: NDArray[np.bool_] | None = None, thresholds: int = THRESHOLDS
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """AP at IoU 0.50 and over the thresholds: each float64 (replicates, classes), NaN where no object counts.

        Args:
            weights: int64 (replicates, blocks).
            frames: bool (frames,), those that count. Default: all.
            thresholds: How many of the ten IoU thresholds, from 0.50 on.
        """
        at_half = np.full((len(weights), len(self.classes)), np.nan)
        over_all = np.full_like(at_half, np.nan)
        for column, every in enumerate(self.classes):
            matches = every if frames is None else every.only(frames)
            row = 0
            for part in chunks(weights, matches.block.size + thresholds * len(RECALLS)):
                curves = matches.curves(part, self._blocks, thresholds=thresholds)
                at_half[row : row + len(part), column] = curves[:, 0].mean(axis=1)
                over_all[row : row + len(part), column] = curves.mean(axis=(1, 2))
                row += len(part)
        return at_half, over_all


def mean_of_classes(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean over the classes that are not NaN: float64 (replicates,) of (replicates, classes); NaN where all are."""
    valid = np.isfinite(values)
    count = valid.sum(axis=1)
    total = np.where(valid, values, 0.0).sum(axis=1)
    mean: NDArray[np.float64] = np.divide(total, count, out=np.full(len(values), np.nan), where=count > 0)
    return mean


def _compact(image: Mapping[str, Any]) -> _Image:
    return _Image(
        objects=int((np.asarray(image["gtIgnore"]) == 0).sum()),
        scores=np.asarray(image["dtScores"], np.float64),
        hit=np.asarray(image["dtMatches"]) > 0,
        ignored=np.asarray(image["dtIgnore"], np.bool_),
    )


def _class_matches(images: Sequence[tuple[int, _Image]], blocks: NDArray[np.intp]) -> ClassMatches:
    objects = np.zeros(len(blocks), np.int64)
    for frame, image in images:
        objects[frame] = image.objects
    none = np.zeros((THRESHOLDS, 0), np.bool_)
    scores = np.concatenate([np.zeros(0), *(image.scores for _, image in images)])
    order = np.argsort(-scores, kind="mergesort")  # COCOeval's, so that ties fall alike
    counts = ~np.concatenate([none, *(image.ignored for _, image in images)], axis=1)[:, order]
    hit = np.concatenate([none, *(image.hit for _, image in images)], axis=1)[:, order]
    frame_of = np.repeat(
        np.array([frame for frame, _ in images], np.intp), np.array([len(image.scores) for _, image in images], np.intp)
    )[order]
    return ClassMatches(block=blocks[frame_of], frame=frame_of, hit=hit & counts, counts=counts, objects=objects)
