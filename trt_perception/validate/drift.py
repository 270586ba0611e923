"""What changed between two runs over the same frames: the figures, and how much of each is noise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from trt_perception.validate.frame_pairs import FrameName
from trt_perception.validate.run_header import RunModel


@dataclass(frozen=True, kw_only=True)
class Change:
    """One figure of both runs.

    Args:
        here: In this run; None where it has none.
        baseline: In the baseline; None where it has none.
        value: This run less the baseline; None where one of them is None.
        low: Lower end of the difference's interval; None where there are too few frames for one.
        high: Upper end.
    """

    here: float | None
    baseline: float | None
    value: float | None
    low: float | None = None
    high: float | None = None

    @property
    def is_significant(self) -> bool:
        """Whether the interval excludes zero: the difference is no noise."""
        return self.low is not None and self.high is not None and (self.low > 0.0 or self.high < 0.0)


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """One figure that needs both runs.

    Args:
        value: The figure; None where there is nothing to make it of.
        low: Lower end of its interval; None where there are too few frames for one.
        high: Upper end.
    """

    value: float | None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, kw_only=True)
class BoxDrift:
    """Detections of one group at the operating score: a class, a camera, or all.

    An object belongs to the class that the baseline gives it, or where only this run has it, to this run's.

    Args:
        count: How many; the value is the change as a share of the baseline's number, 0.1 is a tenth more.
        matched: Objects that both runs have (IoU 0.5 or more), whatever their class.
        lost: Objects that only the baseline has.
        added: Objects that only this run has.
        class_changed: Of those matched, how many changed their class.
        agreement: 2 x matched with the same class / (detections here and in the baseline); None where neither has any.
        score: Mean score of the matched objects.
        mean_iou: Mean IoU of the boxes of matched objects; None without any.
    """

    count: Change
    matched: int
    lost: int
    added: int
    class_changed: int
    agreement: Estimate
    score: Change
    mean_iou: Estimate


@dataclass(frozen=True, kw_only=True)
class PrecisionDrift:
    """Average precision over the frames with truth that both runs processed, 0 to 1."""

    map50: Change
    map50_95: Change


@dataclass(frozen=True, kw_only=True)
class HeadDrift:
    """One detection head.

    Args:
        boxes: All frames and classes.
        boxes_by_class: By label.
        boxes_by_camera: By camera.
        precision: Mean over the classes; None where no paired frame has truth.
        precision_by_class: By label; empty where no paired frame has truth.
        map50_by_camera: mAP50 by camera; likewise.
    """

    boxes: BoxDrift
    boxes_by_class: Mapping[str, BoxDrift]
    boxes_by_camera: Mapping[str, BoxDrift]
    precision: PrecisionDrift | None
    precision_by_class: Mapping[str, PrecisionDrift]
    map50_by_camera: Mapping[str, Change]


@dataclass(frozen=True, kw_only=True)
class MaskDrift:
    """One mask head: mean intersection over union, and that of each class; 0 to 1."""

    miou: Change
    iou: Mapping[str, Change]


@dataclass(frozen=True, kw_only=True)
class Drift:
    """This run against a baseline.

    Args:
        baseline: What the baseline ran.
        frames: Frames that both runs processed.
        with_truth: Of these, how many have truth for their detections in both runs.
        skipped_in_both: Frames that both runs skipped.
        lost_frames: Frames that the baseline processed and this run skipped.
        gained_frames: Frames that this run processed and the baseline skipped.
        only_here: Frames that the baseline does not have.
        only_baseline: Frames that this run does not have.
        blocks: Stretches of time that the intervals are made from; fewer than 5 make none.
        confidence: Share of the draws inside an interval.
        lost_heads: Heads of the baseline that this run does not have with the same labels; they are not compared.
        heads: Detection heads that both runs have.
        masks: Mask heads that both runs have and the truth knows.
        warnings: What a reader must know.
    """

    baseline: RunModel
    frames: int
    with_truth: int
    skipped_in_both: int
    lost_frames: tuple[FrameName, ...]
    gained_frames: tuple[FrameName, ...]
    only_here: tuple[FrameName, ...]
    only_baseline: tuple[FrameName, ...]
    blocks: int
    confidence: float
    lost_heads: tuple[str, ...]
    heads: Mapping[str, HeadDrift]
    masks: Mapping[str, MaskDrift]
    warnings: tuple[str, ...] = ()

    @property
    def unpaired(self) -> int:
        """Frames with a result in one run only."""
        return len(self.lost_frames) + len(self.gained_frames) + len(self.only_here) + len(self.only_baseline)
