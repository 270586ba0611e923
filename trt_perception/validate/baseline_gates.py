"""The gates against a baseline."""

from __future__ import annotations

from collections.abc import Iterator

from trt_perception.validate.drift import BoxDrift, Change, Drift, Estimate, HeadDrift
from trt_perception.validate.gate_options import BaselineGates, GateOptions
from trt_perception.validate.gate_outcome import GateOutcome
from trt_perception.validate.gate_subject import GateSubject

POINTS = 100.0
_NO_TRUTH = "no frame has true objects in both runs"


def baseline_outcomes(options: GateOptions, drift: Drift) -> Iterator[GateOutcome]:
    """What becomes of each gate against the baseline."""
    limits = options.against_baseline
    subject = GateSubject(section="against_baseline", missing=options.missing)
    with_result = drift.frames + drift.unpaired
    # Without a single frame in common nothing else can be judged: that never passes.
    share = drift.unpaired / with_result if with_result else 1.0
    yield from subject.at_most("max_unpaired_share", limits.max_unpaired_share, share, why="")
    if not limits.allow_lost_heads:
        lost = subject.of(", ".join(drift.lost_heads))
        yield from lost.at_most("allow_lost_heads", 0.0, float(len(drift.lost_heads)), why="")
    for name, head in drift.heads.items():
        yield from _head(limits, subject.of(name), head)
    for name, mask in drift.masks.items():
        yield from _loss(subject.of(name), "max_miou_loss_points", limits.max_miou_loss_points, mask.miou)
    if not drift.masks:
        why = "no mask head has a true mask in both runs"
        yield from _loss(subject, "max_miou_loss_points", limits.max_miou_loss_points, None, why)
    if not drift.heads:
        for gate in ("max_map50_loss_points", "max_map50_95_loss_points", "max_count_change", "min_agreement"):
            yield from subject.at_most(gate, getattr(limits, gate), None, why="the runs share no detection head")


def _head(limits: BaselineGates, subject: GateSubject, head: HeadDrift) -> Iterator[GateOutcome]:
    precision = head.precision
    yield from _loss(
        subject, "max_map50_loss_points", limits.max_map50_loss_points, precision.map50 if precision else None
    )
    yield from _loss(
        subject, "max_map50_95_loss_points", limits.max_map50_95_loss_points, precision.map50_95 if precision else None
    )
    by_class = {label: part.map50 for label, part in head.precision_by_class.items()}
    for kind, gate, limit, parts in (
        ("class", "max_class_map50_loss_points", limits.max_class_map50_loss_points, by_class),
        ("camera", "max_camera_map50_loss_points", limits.max_camera_map50_loss_points, head.map50_by_camera),
    ):
        for name, change in parts.items():
            yield from _loss(subject.of(f"{subject.name}, {kind} {name}"), gate, limit, change)
        if not parts:
            yield from _loss(subject, gate, limit, None)
    yield from _boxes(limits, subject, head.boxes)


def _boxes(limits: BaselineGates, subject: GateSubject, boxes: BoxDrift) -> Iterator[GateOutcome]:
    yield from _either_way(
        subject, "max_count_change", limits.max_count_change, boxes.count, "the baseline found nothing"
    )
    why = "the runs have no object in common"
    yield from _either_way(subject, "max_score_change", limits.max_score_change, boxes.score, why)
    yield from _floor(subject, "min_agreement", limits.min_agreement, boxes.agreement, "neither run found anything")
    yield from _floor(subject, "min_box_iou", limits.min_box_iou, boxes.mean_iou, why)


def _loss(
    subject: GateSubject, gate: str, limit: float | None, change: Change | None, why: str = _NO_TRUTH
) -> Iterator[GateOutcome]:
    """Points lost; fails where the whole interval is a loss and the loss is beyond the limit."""
    value = None if change is None or change.value is None else -POINTS * change.value
    interval = None
    if change is not None and change.low is not None and change.high is not None:
        interval = (-POINTS * change.high, -POINTS * change.low)
    yield from subject.change(
        gate,
        limit,
        None if value is None else value + 0.0,  # no "-0"
        interval,
        is_noise=interval is not None and interval[0] <= 0.0,
        is_beyond=value is not None and limit is not None and value > limit,
        unit=" points",
        why=why,
    )


def _either_way(
    subject: GateSubject, gate: str, limit: float | None, change: Change, why: str
) -> Iterator[GateOutcome]:
    """A change up or down."""
    interval = None if change.low is None or change.high is None else (change.low, change.high)
    yield from subject.change(
        gate,
        limit,
        change.value,
        interval,
        is_noise=interval is not None and not change.is_significant,
        is_beyond=change.value is not None and limit is not None and abs(change.value) > limit,
        unit="",
        why=why,
    )


def _floor(subject: GateSubject, gate: str, limit: float | None, estimate: Estimate, why: str) -> Iterator[GateOutcome]:
    """A figure that both runs make; fails where its whole interval is below the limit."""
    interval = None if estimate.low is None or estimate.high is None else (estimate.low, estimate.high)
    yield from subject.change(
        gate,
        limit,
        estimate.value,
        interval,
        is_noise=interval is not None and limit is not None and interval[1] >= limit,
        is_beyond=estimate.value is not None and limit is not None and estimate.value < limit,
        words="at least",
        unit="",
        why=why,
    )
