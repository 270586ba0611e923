"""Layer times as a trace for chrome://tracing and Perfetto.

Format: https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU ("Trace Event Format", JSON
object form): complete events `X` with start and duration in microseconds, and metadata events `M` that name rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from trt_perception.engine.engine_profile import EngineProfile, LayerRun, LayerTime

_PROCESS = 1


def chrome_trace(profile: EngineProfile, runs: Sequence[LayerRun], *, title: str) -> dict[str, Any]:
    """Two rows: the median time of every layer one after another, and the slowest run as it was.

    TensorRT reports how long a layer took, not when it began; within a row the layers follow each other without gaps.

    Args:
        profile: What `summarize_runs` made of the runs.
        runs: The runs.
        title: Name of the engine.
    """
    slowest = max(runs, key=lambda run: sum(run.values()))
    rows = {
        f"median of {profile.runs} runs": {layer.layer: layer.p50_ms for layer in profile.layers},
        "slowest run": slowest,
    }
    layers = {layer.layer: layer for layer in profile.layers}
    events: list[dict[str, Any]] = [_named("process_name", title, 0)]
    for row, (name, times) in enumerate(rows.items(), start=1):
        events += [_named("thread_name", name, row), *_events(times, layers, row)]
    return {"traceEvents": events, "displayTimeUnit": "ms"}


def _named(what: str, name: str, row: int) -> dict[str, Any]:
    return {"ph": "M", "pid": _PROCESS, "tid": row, "name": what, "args": {"name": name}}


def _events(times: LayerRun, layers: Mapping[str, LayerTime], row: int) -> Iterator[dict[str, Any]]:
    start_us = 0.0
    for name, milliseconds in times.items():
        layer = layers[name]
        duration_us = milliseconds * 1000.0
        yield {
            "ph": "X",
            "pid": _PROCESS,
            "tid": row,
            "ts": start_us,
            "dur": duration_us,
            "name": name,
            "cat": f"{layer.region},{layer.precision}",
            "args": {
                "region": layer.region,
                "precision": layer.precision,
                "kind": layer.kind,
                "p50_ms": layer.p50_ms,
                "p99_ms": layer.p99_ms,
                "share": layer.share,
            },
        }
        start_us += duration_us
