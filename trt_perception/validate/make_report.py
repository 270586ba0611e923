"""From the folder of a run to its report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from trt_perception.detections import Detections
from trt_perception.options.from_mapping import from_mapping
from trt_perception.validate.drift import Drift
from trt_perception.validate.frame_pairs import pair_frames
from trt_perception.validate.gate_options import GateOptions
from trt_perception.validate.gate_outcome import GateStatus
from trt_perception.validate.gates import judge
from trt_perception.validate.image_truth import ImageTruth
from trt_perception.validate.match_frame import truth_of_head
from trt_perception.validate.measure_drift import measure_drift
from trt_perception.validate.precision_table import PrecisionTable
from trt_perception.validate.report import Report, ReportTimes
from trt_perception.validate.run_folder import TIMINGS, RunFolder
from trt_perception.validate.run_header import RunHead
from trt_perception.validate.worst_frames import WorstFrame, against_baseline, against_truth, worst_frames


def make_report(
    run: RunFolder, gates: GateOptions, *, baseline: RunFolder | None = None, worst: int = 12
) -> tuple[Report, tuple[WorstFrame, ...]]:
    """Compare a run with its baseline, judge it, and choose the frames to look at.

    Args:
        run: The run.
        gates: What must hold.
        baseline: What it is compared with. Default: nothing.
        worst: How many frames to choose.

    Returns:
        The report, and its worst frames with what to draw into them.

    Raises:
        InputError: A file of either run is damaged.
        MissingError: pycocotools is not installed, and there is truth.
    """
    metrics = run.metrics()
    times = _times(run)
    drift: Drift | None = measure_drift(run, baseline, gates.bootstrap) if baseline is not None else None
    outcomes = judge(gates, metrics, p99_ms=times.p99_ms if times else None, drift=drift)
    judged_by, frames = _worst(run, baseline, worst)
    report = Report(
        passed=all(outcome.status is not GateStatus.FAILED for outcome in outcomes),
        gates_name=gates.name,
        gates=outcomes,
        metrics=metrics,
        times=times,
        curves=_curves(run),
        drift=drift,
        worst_by=judged_by,
        worst=tuple(frames),
    )
    return report, frames


def _times(run: RunFolder) -> ReportTimes | None:
    """None where the run has none: merged from others of which one has none."""
    if not (run.path / TIMINGS).is_file():
        return None
    found: Mapping[str, Any] = run.timings()
    known = ("backend", "processes", "frames_per_s", "stages_ms", "histogram")
    content = {key: found[key] for key in known if key in found}
    return from_mapping(ReportTimes, content, where=str(run.path / TIMINGS))


def _worst(run: RunFolder, baseline: RunFolder | None, count: int) -> tuple[str, tuple[WorstFrame, ...]]:
    header = run.header()
    if any(record.truth is not None for record in run.frames()):
        return "truth", worst_frames(against_truth(header, run.frames()), count)
    if baseline is None:
        return "nothing", ()
    before = baseline.header()
    pairs = pair_frames(run.frames(), baseline.frames(), by_bag=len(header.bags) > 1 or len(before.bags) > 1)
    return "baseline", worst_frames(against_baseline(header, before, pairs), count)


def _curves(run: RunFolder) -> dict[str, dict[str, tuple[float, ...]]]:
    """Precision by recall of each detection head that has truth."""
    heads = {name: head for name, head in run.header().heads.items() if head.is_detection}
    pairs: dict[str, list[tuple[Detections, ImageTruth]]] = {name: [] for name in heads}
    for record in run.frames():
        if record.truth is not None and record.skipped is None:
            for name, head in heads.items():
                found = record.detections.get(name, Detections.empty())
                pairs[name].append((found, truth_of_head(record.truth, head.labels)[0]))
    return {name: _curve(heads[name], found) for name, found in pairs.items() if found}


def _curve(head: RunHead, pairs: list[tuple[Detections, ImageTruth]]) -> dict[str, tuple[float, ...]]:
    blocks = np.zeros(len(pairs), np.intp)
    table = PrecisionTable(pairs, blocks, class_count=len(head.labels))
    once = np.ones((1, 1), np.int64)
    curves = (matches.curves(once, blocks, thresholds=1)[0, 0] for matches in table.classes)
    return {
        label: tuple(curve.tolist()) for label, curve in zip(head.labels, curves, strict=True) if np.isfinite(curve[0])
    }
