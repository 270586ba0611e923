"""GPU time of a frame from its pixels to its results, beside the engine alone, and where it goes."""

from __future__ import annotations

from typing import Any

import numpy as np

from bench.pipeline.bed import STAGES, Bed
from bench.pipeline.pumping import pump

ROUNDS = 5
"""Whole and engine in turn: the clock of a GPU moves, and the ratio must not move with it."""


def measure_stages(bed: Bed, engine: str, seconds: float) -> dict[str, Any]:
    """One engine: p50 of every stage as a graph of its own, of the whole as one graph, and whole / engine.

    Args:
        bed: What runs it.
        engine: Its name.
        seconds: For whole and engine together, and again for the other stages.
    """
    with bed.stages(engine) as pumps:
        rounds = []
        for _ in range(ROUNDS):
            whole = pump([pumps["whole"]], seconds / ROUNDS / 2)
            alone = pump([pumps["engine"]], seconds / ROUNDS / 2)
            rounds.append((whole, alone))
        times = {
            name: pump([pumps[name]], seconds / len(STAGES))
            for name in STAGES
            if name in pumps and name not in ("whole", "engine")
        }
    ratios = [whole.p50_ms / alone.p50_ms for whole, alone in rounds]
    row: dict[str, Any] = {
        "engine": engine,
        "ratio": float(np.median(ratios)),
        "ratios": ratios,
        "whole_ms": float(np.median([whole.p50_ms for whole, _ in rounds])),
        "whole_p99_ms": float(np.median([whole.p99_ms for whole, _ in rounds])),
        "engine_ms": float(np.median([alone.p50_ms for _, alone in rounds])),
        "whole_per_s": float(np.median([whole.per_s for whole, _ in rounds])),
    }
    row.update({f"{name.replace(' ', '_')}_ms": value.p50_ms for name, value in times.items()})
    parts = sum(row[f"{name}_ms"] for name in ("preprocess", "engine", "decode", "download"))
    row["sum_ms"] = parts
    row["with_upload_ms"] = row["whole_ms"] + row["upload_from_pinned_memory_ms"]
    return row


def measure_traced(bed: Bed, engine: str, seconds: float) -> dict[str, float]:
    """The same out of the pipeline itself: what its traced results say, one frame at a time."""
    import time

    frame = bed.frame("front", pinned=True)
    spans: list[tuple[int, int, int, int]] = []
    with bed.pipelines(engine, 1, trace=True) as (pipeline,):
        end = time.perf_counter() + seconds
        while time.perf_counter() < end or len(spans) < 20:
            stamps = pipeline.process([frame]).stamps
            if stamps is not None:
                spans.append((stamps.uploaded_ns, stamps.preprocessed_ns, stamps.inferred_ns, stamps.decoded_ns))
    steps = np.diff(np.array(spans[5:], np.int64), axis=1) / 1e6
    medians = np.median(steps, axis=0)
    return {
        "traced_preprocess_ms": float(medians[0]),
        "traced_engine_ms": float(medians[1]),
        "traced_decode_ms": float(medians[2]),
        "traced_whole_ms": float(np.median(steps.sum(axis=1))),
    }
