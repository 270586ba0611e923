"""GPU time of a frame from its pixels to its results, beside the engine alone, and where it goes."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from bench.pipeline.bed import PARTS, STAGES, Bed
from bench.pipeline.pumping import Pumped, pump

ROUNDS = 5
"""Frame and engine in turn: the clock of a GPU moves, and the ratio must not move with it."""


def measure_stages(bed: Bed, engine: str, seconds: float) -> dict[str, Any]:
    """One engine: p50 of every stage as a graph of its own, of the frame as one graph, and the ratios to the engine.

    Args:
        bed: What runs it.
        engine: Its name.
        seconds: For the frame's graphs and the engine together, and again for the other stages.
    """
    compared = ("to boxes", "whole", "engine")
    with bed.stages(engine) as pumps:
        rounds: dict[str, list[Pumped]] = {name: [] for name in compared}
        for _ in range(ROUNDS):
            for name in compared:
                rounds[name].append(pump([pumps[name]], seconds / ROUNDS / len(compared)))
        times = {
            name: pump([pumps[name]], seconds / len(STAGES))
            for name in STAGES
            if name in pumps and name not in compared
        }
    alone = [one.p50_ms for one in rounds["engine"]]
    row: dict[str, Any] = {"engine_name": engine}
    for name, key in (("to boxes", "boxes"), ("whole", "whole")):
        p50 = [one.p50_ms for one in rounds[name]]
        ratios = [one / other for one, other in zip(p50, alone, strict=True)]
        row |= {
            f"{key}_ratio": float(np.median(ratios)),
            f"{key}_ratios": ratios,
            f"{key}_ms": float(np.median(p50)),
            f"{key}_p99_ms": float(np.median([one.p99_ms for one in rounds[name]])),
        }
    row["engine_ms"] = float(np.median(alone))
    row |= {f"{name.replace(' ', '_')}_ms": value.p50_ms for name, value in times.items()}
    row["sum_ms"] = sum(row[f"{name}_ms"] for name in PARTS)
    row["with_upload_ms"] = row["whole_ms"] + row["upload_from_pinned_memory_ms"]
    return row


def measure_traced(bed: Bed, engine: str, seconds: float) -> dict[str, float]:
    """The same out of the pipeline itself: what its traced results say, one frame at a time."""
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
