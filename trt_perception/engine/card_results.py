"""The sections of an engine card that are filled later: accuracy, latency, and what follows from both."""

from __future__ import annotations

import re
from pathlib import Path

from trt_perception.engine.engine_results import AccuracyResult, LatencyResult
from trt_perception.engine.manifest import Manifest
from trt_perception.precision.markdown import markdown_table

_START, _END = "<!-- results -->", "<!-- end of results -->"
RESULTS = re.compile(f"{_START}.*?{_END}", re.DOTALL)
"""Where the sections stand in a card."""


def result_sections(manifest: Manifest) -> str:
    """The sections, between the marks by which they are found again."""
    file = Path(manifest.spec.model).name
    accuracy, latency = manifest.accuracy, manifest.latency
    parts = [
        _START,
        "## Recommendation",
        _recommendation(accuracy, latency),
        "## Accuracy against FP32",
        f"Not measured yet: `trt-perception judge {file} BAG_OR_FOLDER --write-card`"
        if accuracy is None
        else _accuracy(accuracy),
        "## Latency",
        f"Not measured yet: `trt-perception bench {file} --write-card`" if latency is None else _latency(latency),
        _END,
    ]
    return "\n\n".join(parts)


def _recommendation(accuracy: AccuracyResult | None, latency: LatencyResult | None) -> str:
    """Two gates: an engine of lower precision is worth having where it is accurate and brings something."""
    accurate = None if accuracy is None else accuracy.holds
    useful = None if latency is None else latency.holds
    words = {True: "holds", False: "**does not hold**", None: "not judged yet"}
    gates = f"Accuracy gate: {words[accurate]}. Benefit gate: {words[useful]}."
    if accurate is False:
        return f"Not recommended: it loses more than was allowed. {gates}"
    if useful is False:
        return f"Not recommended: it is neither faster nor smaller than what it is compared with. {gates}"
    return f"{'Recommended.' if accurate and useful else 'Open.'} {gates}"


def _accuracy(result: AccuracyResult) -> str:
    rows = [
        [name, f"{100 * reference:.2f}", f"{100 * engine:.2f}", f"{100 * (engine - reference):+.2f}"]
        for name, (reference, engine) in result.metrics.items()
    ]
    table = markdown_table(["metric, %", result.reference, "this engine", "difference"], rows)
    asked = f" Asked for: {result.limit}." if result.limit else ""
    return f"{table}\n\nOn {result.frames} frames of {result.data}{_when(result.measured)}.{asked}"


def _latency(result: LatencyResult) -> str:
    rows = [
        [str(row.streams), str(row.batch), f"{row.p50_ms:.3f}", f"{row.p99_ms:.3f}", f"{row.frames_per_s:.0f}"]
        for row in result.rows
    ]
    table = markdown_table(["streams", "batch", "p50 ms", "p99 ms", "frames a second"], rows)
    facts = []
    if result.device_memory_mib is not None:
        facts.append(f"Device memory {result.device_memory_mib:.1f} MiB.")
    if result.speed is not None:
        streams = f" at {result.streams} streams" if result.streams else ""
        facts.append(f"{result.speed:.2f} times the frames a second of {result.compared_with}{streams}.")
    if result.size is not None:
        facts.append(f"Plan {result.size:.2f} times the size of that of {result.compared_with}.")
    if result.measured:
        facts.append(f"Measured{_when(result.measured)}.")
    return "\n\n".join([table, " ".join(facts)]).rstrip()


def _when(measured: str) -> str:
    return f", {measured}" if measured else ""
