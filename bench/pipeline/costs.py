"""What a frame allocates, and what tracing costs."""

from __future__ import annotations

import sys
import time
from typing import Any

import numpy as np

from bench.pipeline.bed import Bed
from bench.pipeline.streams import Lane, drive_alone, drive_threads
from trt_perception.ros.private_memory import private_memory_mb

FRAMES = 1000
ROUNDS = 5
PIPELINES = 8


def measure_allocations(bed: Bed, engine: str) -> dict[str, Any]:
    """Calls that allocate on the GPU, free device memory, private memory and Python blocks over FRAMES frames."""
    frame = bed.frame("front", pinned=True)
    with bed.pipelines(engine, 1) as (pipeline,):
        for _ in range(50):
            pipeline.process([frame])
        free, memory, blocks = bed.free_bytes(), private_memory_mb(), sys.getallocatedblocks()
        with bed.counters() as counts:
            for _ in range(FRAMES):
                pipeline.process([frame])
        return {
            "engine": engine,
            "frames": FRAMES,
            "gpu_calls": dict(counts),
            "gpu_calls_count": sum(counts.values()),
            "device_bytes": free - bed.free_bytes(),
            "private_mb": private_memory_mb() - memory,
            "python_blocks": sys.getallocatedblocks() - blocks,
        }


def measure_tracing(bed: Bed, engine: str, seconds: float) -> list[dict[str, Any]]:
    """Latency of one pipeline and frames a second of PIPELINES, with tracing and without, in turn."""
    found: dict[bool, list[tuple[float, float, float]]] = {False: [], True: []}
    with bed.pipelines(engine, PIPELINES) as plain, bed.pipelines(engine, PIPELINES, trace=True) as traced:
        for _ in range(ROUNDS):
            for trace, pipelines in ((False, plain), (True, traced)):
                lanes = [Lane(pipeline=one, frame=bed.frame("front", pinned=True)) for one in pipelines]
                single = _latency_ms(lanes[0], seconds / ROUNDS)
                found[trace].append(
                    (single, drive_alone(lanes, seconds / ROUNDS), drive_threads(lanes, seconds / ROUNDS))
                )
    rows = []
    for trace, values in found.items():
        latency, one_thread, threads = (float(value) for value in np.median(values, axis=0))
        rows.append(
            {
                "engine": engine,
                "tracing": "on" if trace else "off",
                "latency_ms": latency,
                "one_thread_per_s": one_thread,
                "threads_per_s": threads,
            }
        )
    return rows


def _latency_ms(lane: Lane, seconds: float) -> float:
    times: list[float] = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(times) < 20:
        begun = time.perf_counter()
        lane.pipeline.process([lane.frame])
        times.append((time.perf_counter() - begun) * 1e3)
    return float(np.median(times))
