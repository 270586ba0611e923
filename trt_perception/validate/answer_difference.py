"""Where the live node's answer to a frame is not the offline run's."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from trt_perception.validate.box_pairs import pair_boxes
from trt_perception.validate.head_answer import BoxAnswer, MaskAnswer
from trt_perception.validate.live_comparison import LargestDifferences, ProblemKind
from trt_perception.validate.live_tolerance import LiveTolerance
from trt_perception.validate.match_objects import box_iou

Difference = tuple[ProblemKind, str]
"""What differs, and the same in words."""


class AnswerDifference:
    """Compares answers and keeps the largest differences inside the tolerance.

    Args:
        tolerance: What counts as the same.
        score: Operating score of both sides.
    """

    def __init__(self, tolerance: LiveTolerance, *, score: float) -> None:
        self.tolerance, self.score = tolerance, score
        self.largest = LargestDifferences()

    def of_boxes(self, live: BoxAnswer, offline: BoxAnswer) -> Iterator[Difference]:
        """What differs in the boxes of one frame, whatever their order."""
        yield from _of_headers(live, offline)
        moved, scores = _distances(live, offline)
        same = self._same(live, offline, moved, scores)
        if same:
            rows, columns = map(list, zip(*same, strict=True))
            self._note(len(same), float(moved[rows, columns].max()), float(scores[rows, columns].max()))
        yield from self._of_rest(_without(live, {row for row, _ in same}), _without(offline, {c for _, c in same}))

    def of_masks(self, live: MaskAnswer, offline: MaskAnswer) -> Iterator[Difference]:
        """What differs in the masks of one frame."""
        yield from _of_headers(live, offline)
        if live.class_ids.shape != offline.class_ids.shape:
            sizes = [f"{mask.class_ids.shape[1]}x{mask.class_ids.shape[0]}" for mask in (live, offline)]
            yield ProblemKind.MASK, f"mask of {sizes[0]} live, {sizes[1]} offline"
            return
        share = float(np.mean(live.class_ids != offline.class_ids))
        if share > self.tolerance.mask_share:
            yield ProblemKind.MASK, f"{share:.2%} of the mask's pixels differ, at most {self.tolerance.mask_share:.2%}"
        else:
            self._note(mask_share=share)

    def _same(
        self, live: BoxAnswer, offline: BoxAnswer, moved: NDArray[np.float64], scores: NDArray[np.float64]
    ) -> list[tuple[int, int]]:
        """Pairs of boxes that are the same, one to one, the nearest first."""
        alike = np.array(live.labels, np.str_)[:, None] == np.array(offline.labels, np.str_)[None, :]
        near = moved <= self.tolerance.pixels
        if self.tolerance.iou is not None:
            overlap = box_iou(live.boxes.astype(np.float32), offline.boxes.astype(np.float32))
            near |= overlap >= self.tolerance.iou
        rows, columns = np.nonzero(alike & near & (scores <= self.tolerance.score))
        order = np.lexsort((scores[rows, columns], moved[rows, columns]))
        taken: tuple[set[int], set[int]] = (set(), set())
        pairs = []
        for row, column in zip(rows[order].tolist(), columns[order].tolist(), strict=True):
            if row not in taken[0] and column not in taken[1]:
                taken[0].add(row)
                taken[1].add(column)
                pairs.append((row, column))
        return pairs

    def _of_rest(self, live: BoxAnswer, offline: BoxAnswer) -> Iterator[Difference]:
        """The boxes that have no equal: those of the same object are named together."""
        ids = {label: number for number, label in enumerate(sorted({*live.labels, *offline.labels}))}
        pairs = pair_boxes(live.detections(ids), offline.detections(ids))
        for row, column in zip(pairs.here.tolist(), pairs.baseline.tolist(), strict=True):
            yield self._of_pair(live, row, offline, column)
        for answer, found, kind, word in (
            (live, pairs.here, ProblemKind.ONLY_LIVE, "live"),
            (offline, pairs.baseline, ProblemKind.ONLY_OFFLINE, "offline"),
        ):
            for index in sorted(set(range(len(answer.labels))) - set(found.tolist())):
                if abs(answer.scores[index] - self.score) <= self.tolerance.score:
                    self._note(borderline=1)
                else:
                    yield kind, f"{_box(answer, index)} only {word}"

    def _of_pair(self, live: BoxAnswer, row: int, offline: BoxAnswer, column: int) -> Difference:
        if live.labels[row] != offline.labels[column]:
            return ProblemKind.LABEL, f"{_box(live, row)} live, {offline.labels[column]} offline"
        score = abs(live.scores[row] - offline.scores[column])
        if score > self.tolerance.score:
            texts = f"{live.scores[row]:.3f} live, {offline.scores[column]:.3f} offline"
            return ProblemKind.SCORE, f"{_box(live, row)}: score {texts}, at most {self.tolerance.score:g} apart"
        moved = np.abs(live.boxes[row] - offline.boxes[column]).max()
        limit = f"at most {self.tolerance.pixels:g} px"
        return ProblemKind.MOVED, f"{_box(live, row)} live: an edge is {moved:.2f} px from offline, {limit}"

    def _note(
        self, boxes: int = 0, pixels: float = 0.0, score: float = 0.0, mask_share: float = 0.0, borderline: int = 0
    ) -> None:
        self.largest = LargestDifferences(
            boxes=self.largest.boxes + boxes,
            pixels=max(self.largest.pixels, pixels),
            score=max(self.largest.score, score),
            mask_share=max(self.largest.mask_share, mask_share),
            borderline=self.largest.borderline + borderline,
        )


def _of_headers(live: BoxAnswer | MaskAnswer, offline: BoxAnswer | MaskAnswer) -> Iterator[Difference]:
    if live.frame_id != offline.frame_id:
        yield ProblemKind.HEADER, f"frame_id {live.frame_id!r} live, {offline.frame_id!r} offline"
    if isinstance(live, BoxAnswer) and live.stray_headers:
        yield ProblemKind.HEADER, f"{live.stray_headers} detections live whose header is not that of their array"


def _distances(live: BoxAnswer, offline: BoxAnswer) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Of every box to every other, float64 (n, m): distance of the edge that is farthest, px, and of the scores."""
    edges = np.abs(live.boxes[:, None] - offline.boxes[None, :])
    return edges.max(axis=2, initial=0.0), np.abs(live.scores[:, None] - offline.scores[None, :])


def _without(answer: BoxAnswer, taken: set[int]) -> BoxAnswer:
    left = [index for index in range(len(answer.labels)) if index not in taken]
    return BoxAnswer(
        stamp_ns=answer.stamp_ns,
        frame_id=answer.frame_id,
        labels=tuple(answer.labels[index] for index in left),
        boxes=answer.boxes[left].reshape(-1, 4),
        scores=answer.scores[left],
    )


def _box(answer: BoxAnswer, index: int) -> str:
    corners = " ".join(f"{edge:.1f}" for edge in answer.boxes[index])
    return f"{answer.labels[index]} {answer.scores[index]:.3f} at [{corners}]"
