"""Several validations side by side: what the page shows, made from their reports."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from trt_perception.validate.report import Report

Pick = Callable[[Report], float | None]


@dataclass(frozen=True, kw_only=True)
class ComparisonRow:
    """One figure of all runs.

    Args:
        figure: What it is, with its unit.
        values: One for each run; None where a run does not have it.
        best: Which runs have the best value; empty where they are all equal, or where none is better.
    """

    figure: str
    values: tuple[float | None, ...]
    best: frozenset[int]


@dataclass(frozen=True, kw_only=True)
class ComparisonTable:
    """Rows under one title."""

    title: str
    rows: tuple[ComparisonRow, ...]


def comparison_tables(reports: Sequence[Report]) -> tuple[ComparisonTable, ...]:
    """Everything that at least one of the runs has."""
    heads = _union(list(report.metrics.detection) for report in reports)
    masks = _union(list(report.metrics.masks) for report in reports)
    return (
        ComparisonTable(title="Frames and times", rows=tuple(_times(reports))),
        *(ComparisonTable(title=f"Detections: {head}", rows=tuple(_detections(reports, head))) for head in heads),
        *(ComparisonTable(title=f"Masks: {head}", rows=tuple(_masks(reports, head))) for head in masks),
    )


def differences(reports: Sequence[Report]) -> Iterator[str]:
    """What beside model, precision and runtime is not the same, so that figures do not compare."""
    first = reports[0].metrics
    bags = [(bag.name, bag.messages) for bag in first.bags]
    for number, report in enumerate(reports[1:], start=2):
        metrics = report.metrics
        if [(bag.name, bag.messages) for bag in metrics.bags] != bags:
            yield f"run {number} is of other bags than run 1"
        elif metrics.ledger.processed != first.ledger.processed:
            yield f"run {number} processed {metrics.ledger.processed} frames, run 1 {first.ledger.processed}"
        if metrics.truth != first.truth:
            yield f"the truth of run {number} is from {metrics.truth}, that of run 1 from {first.truth}"
        if metrics.thresholds != first.thresholds:
            yield f"run {number} has other thresholds than run 1"
        if metrics.pairing != first.pairing:
            one, other = (found.pairing or "none" for found in (first, metrics))
            yield f"run {number} has other sets of cameras than run 1: {other}; there {one}"


def _times(reports: Sequence[Report]) -> Iterator[ComparisonRow]:
    yield _row(reports, "frames", lambda report: report.metrics.ledger.frames)
    yield _row(reports, "frames skipped", _skipped, lower=True)
    yield _row(reports, "p50 of a frame, ms", lambda report: _total(report, "p50"), lower=True)
    yield _row(reports, "p99 of a frame, ms", lambda report: _total(report, "p99"), lower=True)
    yield _row(
        reports, "frames a second", lambda report: report.times.frames_per_s if report.times else None, best=True
    )
    yield _row(reports, "gates failed", lambda report: len(report.failed_gates), lower=True)


def _skipped(report: Report) -> float:
    return report.metrics.ledger.frames - report.metrics.ledger.processed


def _total(report: Report, figure: str) -> float | None:
    total = report.times.stages_ms.get("all", {}).get("total") if report.times else None
    return None if total is None else float(getattr(total, figure))


def _detections(reports: Sequence[Report], name: str) -> Iterator[ComparisonRow]:
    heads = [report.metrics.detection.get(name) for report in reports]
    for figure, key, percent in (
        ("mAP50, %", "map50", True),
        ("mAP50:95, %", "map50_95", True),
        ("precision, %", "precision", True),
        ("recall, %", "recall", True),
    ):
        yield _made(figure, [_figure(head.all if head else None, key, percent) for head in heads])
    for figure, key in (("missed", "missed"), ("false alarms", "false_alarms")):
        known = [head.all if head is not None and head.all.images else None for head in heads]
        yield _made(figure, [_figure(group, key, False) for group in known], lower=True)
    for label in _union(list(head.all.by_class) if head else [] for head in heads):
        values = [_figure(head.all.by_class.get(label) if head else None, "map50", True) for head in heads]
        if any(value is not None for value in values):
            yield _made(f"class {label}, AP50 %", values)
    for word in ("camera", "condition"):
        groups = [getattr(head, f"by_{word}") if head else {} for head in heads]
        for key in _union(list(group) for group in groups):
            values = [_figure(group.get(key), "map50", True) for group in groups]
            if any(value is not None for value in values):
                yield _made(f"{word} {key}, mAP50 %", values)


def _masks(reports: Sequence[Report], name: str) -> Iterator[ComparisonRow]:
    heads = [report.metrics.masks.get(name) for report in reports]
    yield _made("mean IoU, %", [_figure(head.all if head else None, "miou", True) for head in heads])
    for label in _union(list(head.labels) if head else [] for head in heads):
        values = [head.all.iou.get(label) if head else None for head in heads]
        yield _made(f"{label}, IoU %", [None if value is None else 100 * value for value in values])


def _figure(group: object, key: str, percent: bool) -> float | None:
    value = getattr(group, key, None)
    if value is None:
        return None
    return 100.0 * value if percent else float(value)


def _row(
    reports: Sequence[Report], figure: str, pick: Pick, *, lower: bool = False, best: bool = False
) -> ComparisonRow:
    values = [pick(report) for report in reports]
    if not (lower or best):
        return ComparisonRow(figure=figure, values=tuple(values), best=frozenset())
    return _made(figure, values, lower=lower)


def _made(figure: str, values: Sequence[float | None], *, lower: bool = False) -> ComparisonRow:
    known = [value for value in values if value is not None]
    best: frozenset[int] = frozenset()
    if known and min(known) != max(known):
        target = min(known) if lower else max(known)
        best = frozenset(index for index, value in enumerate(values) if value == target)
    return ComparisonRow(figure=figure, values=tuple(values), best=best)


def _union(lists: Iterator[list[str]]) -> list[str]:
    """Names in the order in which they come first."""
    return list(dict.fromkeys(name for names in lists for name in names))
