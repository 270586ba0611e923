"""Judges a run by its gates."""

from __future__ import annotations

from collections.abc import Iterator

from trt_perception.validate.baseline_gates import baseline_outcomes
from trt_perception.validate.drift import Drift
from trt_perception.validate.gate_options import GateOptions
from trt_perception.validate.gate_outcome import GateOutcome
from trt_perception.validate.gate_subject import GateSubject
from trt_perception.validate.validation_metrics import DetectionGroup, ValidationMetrics


def judge(
    options: GateOptions, metrics: ValidationMetrics, *, p99_ms: float | None = None, drift: Drift | None = None
) -> tuple[GateOutcome, ...]:
    """What becomes of each gate.

    Args:
        options: The gates.
        metrics: The run's figures.
        p99_ms: 99th percentile of a frame's time; None where it was not measured.
        drift: What changed against the baseline; None where there is none.
    """
    outcomes = [*_absolute(options, metrics, p99_ms)]
    if drift is None:
        outcomes.extend(_without_baseline(options))
    else:
        outcomes.extend(baseline_outcomes(options, drift))
    return tuple(outcomes)


def _skipped_share(metrics: ValidationMetrics) -> float | None:
    """Of the cameras that results are of: a second camera that is faster than the first has frames to spare."""
    partners = metrics.pairing.partners if metrics.pairing else frozenset()
    cameras = [camera for camera in metrics.ledger.cameras if camera.camera not in partners]
    frames = sum(camera.frames for camera in cameras)
    return (frames - sum(camera.processed for camera in cameras)) / frames if frames else None


def _absolute(options: GateOptions, metrics: ValidationMetrics, p99_ms: float | None) -> Iterator[GateOutcome]:
    limits = options.absolute
    subject = GateSubject(section="absolute", missing=options.missing)
    skipped = _skipped_share(metrics)
    yield from subject.at_most("max_skipped_share", limits.max_skipped_share, skipped, why="there are no frames")
    yield from subject.at_most("max_p99_ms", limits.max_p99_ms, p99_ms, why="no times were measured")
    for name, head in metrics.detection.items():
        yield from _boxes(options, subject.of(name), head.all)
        for label, limit in limits.min_class_map50.items():
            of_class = head.all.by_class.get(label)
            yield from subject.of(f"{name}, class {label}").at_least(
                "min_class_map50",
                limit,
                of_class.map50 if of_class else None,
                why="the truth has no such object" if of_class else "the model has no such class",
            )
        for condition, limit in limits.min_condition_map50.items():
            group = head.by_condition.get(condition)
            yield from subject.of(f"{name}, {condition}").at_least(
                "min_condition_map50", limit, group.map50 if group else None, why="no frame of it has true objects"
            )
    for name, mask in metrics.masks.items():
        yield from subject.of(name).at_least("min_miou", limits.min_miou, mask.all.miou, why="there is no true mask")
    if not metrics.masks:
        yield from subject.at_least("min_miou", limits.min_miou, None, why="the model has no masks")
    if not metrics.detection:
        for gate in ("min_map50", "min_map50_95", "min_precision", "min_recall"):
            yield from subject.at_least(gate, getattr(limits, gate), None, why="the model has no detections")


def _boxes(options: GateOptions, subject: GateSubject, group: DetectionGroup) -> Iterator[GateOutcome]:
    limits, why = options.absolute, "there are no true objects"
    yield from subject.at_least("min_map50", limits.min_map50, group.map50, why=why)
    yield from subject.at_least("min_map50_95", limits.min_map50_95, group.map50_95, why=why)
    yield from subject.at_least("min_recall", limits.min_recall, group.recall, why=why)
    yield from subject.at_least(
        "min_precision", limits.min_precision, group.precision, why="nothing was found, and there are no true objects"
    )


def _without_baseline(options: GateOptions) -> Iterator[GateOutcome]:
    """That there is no baseline is the caller's choice, whatever the policy for missing figures."""
    limits = options.against_baseline
    for gate in sorted(vars(limits)):
        limit = getattr(limits, gate)
        if limit is not None and not isinstance(limit, bool):
            yield GateSubject(section="against_baseline").not_applicable(gate, limit, "no baseline was given")
