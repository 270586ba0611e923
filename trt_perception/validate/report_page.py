"""The report of a validation for people: report.html."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from trt_perception.validate.chart import (
    MAX_SERIES,
    BarChart,
    ColumnChart,
    LineChart,
    bar_chart,
    column_chart,
    line_chart,
)
from trt_perception.validate.frame_pictures import FramePicture
from trt_perception.validate.page import render_page
from trt_perception.validate.report import Report, ReportTimes
from trt_perception.validate.validation_metrics import DetectionHeadMetrics

MAX_ROWS = 30
"""Bars of one chart; the table below has them all."""
MAX_LISTED = 20
"""Frames of a list on the page; report.json has them all."""
WORST_WORDS = {
    "truth": "Most objects missed and most false alarms, at the operating score and IoU 0.5.",
    "baseline": "There is no ground truth: frames with most objects that only one of the two runs has.",
    "nothing": "There is neither ground truth nor a baseline, so nothing tells which frames are bad.",
}


TRUTH_WORDS = {
    "none": "nowhere: nothing is evaluated",
    "topics": "the bags' own topics",
    "coco": "a COCO file",
    "bag": "another bag",
}


def render_report(report: Report, pictures: Sequence[FramePicture]) -> str:
    """The page: one HTML file without links to anything outside.

    Args:
        report: What to show.
        pictures: Of the worst frames.

    Raises:
        MissingError: Jinja2 is not installed.
    """
    return render_page(
        "report.html.j2",
        report=report,
        pictures=pictures,
        truth_words=TRUTH_WORDS.get(report.metrics.truth, report.metrics.truth),
        worst_words=WORST_WORDS[report.worst_by],
        class_charts={name: _class_chart(name, head, report) for name, head in report.metrics.detection.items()},
        condition_charts={name: _condition_chart(name, head) for name, head in report.metrics.detection.items()},
        curve_charts={
            name: _curve_chart(name, curves, report.metrics.detection[name]) for name, curves in report.curves.items()
        },
        time_chart=_time_chart(report.times),
        histogram=_histogram(report.times),
        max_listed=MAX_LISTED,
        max_series=MAX_SERIES,
    )


def _class_chart(name: str, head: DetectionHeadMetrics, report: Report) -> BarChart | None:
    """mAP50 by class, with the baseline's where it is known."""
    drift = report.drift.heads.get(name) if report.drift else None
    rows: dict[str, list[float | None]] = {}
    for label, of_class in head.all.by_class.items():
        if of_class.map50 is None:
            continue
        values: list[float | None] = [100 * of_class.map50]
        if drift is not None and drift.precision is not None:
            change = drift.precision_by_class.get(label)
            before = change.map50.baseline if change else None
            values.append(None if before is None else 100 * before)
        rows[label] = values
    if not rows:
        return None
    series = ["this run", "baseline"][: len(next(iter(rows.values())))]
    most = dict(sorted(rows.items(), key=lambda row: -head.all.by_class[row[0]].objects)[:MAX_ROWS])
    return bar_chart(f"{name}: mAP50 by class, percent", most, series, maximum=100.0)


def _condition_chart(name: str, head: DetectionHeadMetrics) -> BarChart | None:
    rows = {
        word: [100 * group.map50, None if group.map50_95 is None else 100 * group.map50_95]
        for word, group in head.by_condition.items()
        if group.map50 is not None
    }
    if not rows:
        return None
    return bar_chart(f"{name}: mAP by condition, percent", rows, ["mAP50", "mAP50:95"], maximum=100.0)


def _curve_chart(name: str, curves: Mapping[str, Sequence[float]], head: DetectionHeadMetrics) -> LineChart | None:
    """Precision by recall of the classes with most objects."""
    most = sorted(curves, key=lambda label: -head.all.by_class[label].objects)[:MAX_SERIES]
    if not most:
        return None
    lines = {label: [(index / 100, value) for index, value in enumerate(curves[label])] for label in most}
    return line_chart(f"{name}: precision by recall at IoU 0.5", lines, x_label="recall", y_label="precision")


def _time_chart(times: ReportTimes | None) -> BarChart | None:
    if times is None or not times.stages_ms.get("all"):
        return None
    stages = times.stages_ms["all"]
    rows = {stage: [figures.p50, figures.p99] for stage, figures in stages.items()}
    longest = max(figures.p99 for figures in stages.values())
    return bar_chart("Time of a frame by stage, milliseconds", rows, ["p50", "p99"], maximum=longest, digits=2)


def _histogram(times: ReportTimes | None) -> ColumnChart | None:
    if times is None or times.histogram is None or not times.histogram.counts:
        return None
    found = times.histogram
    return column_chart("Frames by their time", found.edges_ms, found.counts, x_label="milliseconds, all stages")
