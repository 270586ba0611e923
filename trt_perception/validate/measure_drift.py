"""From two runs over the same frames to what changed between them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from trt_perception.detections import Detections
from trt_perception.validate.drift import Drift, HeadDrift, MaskDrift
from trt_perception.validate.drift_statistics import DriftStatistics
from trt_perception.validate.drift_sums import DriftSums
from trt_perception.validate.frame_pairs import FrameName, pair_frames, results_of, time_ns
from trt_perception.validate.frame_record import FrameRecord
from trt_perception.validate.image_truth import ImageTruth
from trt_perception.validate.match_frame import truth_of_head
from trt_perception.validate.paired_bootstrap import MIN_BLOCKS, BootstrapOptions
from trt_perception.validate.run_folder import RunFolder
from trt_perception.validate.run_header import RunHeader


def measure_drift(here: RunFolder, baseline: RunFolder, options: BootstrapOptions | None = None) -> Drift:
    """Compare a run with a baseline, frame by frame.

    Frames are the same where bag, camera and stamp are; where each run has one bag, its name may differ.

    Args:
        here: This run.
        baseline: The run that it is compared with.
        options: How intervals are made. Default: BootstrapOptions().

    Raises:
        InputError: A file of either run is damaged.
        MissingError: pycocotools is not installed, and both runs have truth.
    """
    options = options or BootstrapOptions()
    frames = _PairedFrames(here.header(), baseline.header())
    frames.read(here, baseline)
    statistics = DriftStatistics(frames.instants, frames.cameras, options)
    return Drift(
        baseline=frames.baseline.model,
        frames=len(frames.instants),
        with_truth=max((len(head.truth_frames) for head in frames.heads.values()), default=0),
        skipped_in_both=frames.skipped_in_both,
        lost_frames=tuple(frames.lost),
        gained_frames=tuple(frames.gained),
        only_here=tuple(frames.only_here),
        only_baseline=tuple(frames.only_baseline),
        blocks=statistics.block_count,
        confidence=options.confidence,
        lost_heads=tuple(sorted(set(frames.baseline.heads) - {*frames.heads, *frames.masks})),
        heads={name: _head_drift(head, statistics) for name, head in frames.heads.items()},
        masks={name: _mask_drift(mask, statistics) for name, mask in frames.masks.items() if mask.frames},
        warnings=(*frames.warnings(), *_block_warnings(statistics)),
    )


@dataclass(kw_only=True, eq=False)
class _Boxes:
    """One detection head of both runs."""

    labels: tuple[str, ...]
    sums: DriftSums = field(default_factory=DriftSums)
    truth_frames: list[int] = field(default_factory=list)
    pairs_here: list[tuple[Detections, ImageTruth]] = field(default_factory=list)
    pairs_baseline: list[tuple[Detections, ImageTruth]] = field(default_factory=list)


@dataclass(kw_only=True, eq=False)
class _Masks:
    """One mask head of both runs."""

    labels: tuple[str, ...]
    frames: list[int] = field(default_factory=list)
    here: list[NDArray[np.int64]] = field(default_factory=list)
    baseline: list[NDArray[np.int64]] = field(default_factory=list)


class _PairedFrames:
    """What is kept of the frames while both runs are read."""

    def __init__(self, here: RunHeader, baseline: RunHeader) -> None:
        self.here, self.baseline = here, baseline
        common = [name for name, head in here.heads.items() if baseline.heads.get(name) == head]
        self.heads = {name: _Boxes(labels=here.heads[name].labels) for name in common if here.heads[name].is_detection}
        self.masks = {
            name: _Masks(labels=here.heads[name].labels) for name in common if not here.heads[name].is_detection
        }
        self.instants: list[tuple[str, int]] = []
        self.cameras: list[str] = []
        self.skipped_in_both = 0
        self.lost: list[FrameName] = []
        self.gained: list[FrameName] = []
        self.only_here: list[FrameName] = []
        self.only_baseline: list[FrameName] = []

    def read(self, here: RunFolder, baseline: RunFolder) -> None:
        by_bag = len(self.here.bags) > 1 or len(self.baseline.bags) > 1
        own, before = results_of(self.here, here.frames()), results_of(self.baseline, baseline.frames())
        for pair in pair_frames(own, before, by_bag=by_bag):
            if pair.baseline is None or pair.here is None:
                if pair.here is not None:
                    self.only_here.append(FrameName.of(pair.here))
                elif pair.baseline is not None:
                    self.only_baseline.append(FrameName.of(pair.baseline))
            elif pair.here.skipped is not None or pair.baseline.skipped is not None:
                self._skip(pair.here, pair.baseline)
            else:
                self._add(pair.here, pair.baseline)

    def _skip(self, here: FrameRecord, baseline: FrameRecord) -> None:
        if baseline.skipped is None:
            self.lost.append(FrameName.of(here))
        elif here.skipped is None:
            self.gained.append(FrameName.of(here))
        else:
            self.skipped_in_both += 1

    def _add(self, here: FrameRecord, baseline: FrameRecord) -> None:
        frame = len(self.instants)
        self.instants.append((here.bag, time_ns(here)))
        self.cameras.append(here.camera)
        for name, head in self.heads.items():
            found = here.detections.get(name, Detections.empty())
            before = baseline.detections.get(name, Detections.empty())
            head.sums.add(
                frame,
                found.select(found.scores >= np.float32(self.here.thresholds.score)),
                before.select(before.scores >= np.float32(self.baseline.thresholds.score)),
            )
            if here.truth is not None and baseline.truth is not None:
                head.truth_frames.append(frame)
                head.pairs_here.append((found, truth_of_head(here.truth, head.labels)[0]))
                head.pairs_baseline.append((before, truth_of_head(baseline.truth, head.labels)[0]))
        for name, mask in self.masks.items():
            if name in here.confusion and name in baseline.confusion:
                mask.frames.append(frame)
                mask.here.append(here.confusion[name])
                mask.baseline.append(baseline.confusion[name])

    def warnings(self) -> Iterator[str]:
        """What makes the two runs differ beside the model."""
        for name in sorted({*self.here.heads, *self.baseline.heads} - {*self.heads, *self.masks}):
            yield f"head {name}: only one run has it, or their labels differ; it is not compared"
        if self.here.thresholds != self.baseline.thresholds:
            yield f"the runs have other thresholds: {self.here.thresholds} here, {self.baseline.thresholds} before"
        if self.here.pairing != self.baseline.pairing:
            one, other = (header.pairing or "none" for header in (self.here, self.baseline))
            yield f"the runs have other sets of cameras: {one} here, {other} before"
        if self.here.truth != self.baseline.truth:
            yield f"the truth is from {self.here.truth} here, from {self.baseline.truth} in the baseline"


def _head_drift(head: _Boxes, statistics: DriftStatistics) -> HeadDrift:
    cameras = statistics.camera_names
    scores = statistics.precision(head.pairs_here, head.pairs_baseline, head.truth_frames, head.labels)
    return HeadDrift(
        boxes=statistics.boxes(head.sums),
        boxes_by_class={
            label: statistics.boxes(head.sums, class_id=class_id) for class_id, label in enumerate(head.labels)
        },
        boxes_by_camera={camera: statistics.boxes(head.sums, camera=camera) for camera in cameras},
        precision=scores.all if scores else None,
        precision_by_class=scores.by_class if scores else {},
        map50_by_camera=scores.map50_by_camera if scores else {},
    )


def _mask_drift(mask: _Masks, statistics: DriftStatistics) -> MaskDrift:
    return statistics.masks(mask.here, mask.baseline, mask.frames, mask.labels)


def _block_warnings(statistics: DriftStatistics) -> Iterator[str]:
    if statistics.block_count < MIN_BLOCKS:
        yield (
            f"the drive has {statistics.block_count} stretches of time, fewer than {MIN_BLOCKS}: nothing can be said "
            "of noise, every difference counts as it is; validate on a longer drive"
        )
