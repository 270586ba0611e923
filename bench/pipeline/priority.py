"""The front camera's latency while other pipelines keep the GPU full, with priority and without."""

from __future__ import annotations

import threading
import time
from typing import Any

import numpy as np

from bench.pipeline.bed import Bed, Runner
from bench.pipeline.streams import Lane
from trt_perception.frame import Frame

RATE_HZ = 30.0
OTHERS = 7


def measure_priority(bed: Bed, engine: str, seconds: float) -> list[dict[str, Any]]:
    """Three rows: alone, under load without priority, under load with it.

    Latency is from the call that begins the frame to its result in the same thread; GPU time is from the end of the
    upload to the end of the copy back, by the stamps of the traced pipeline: it holds what the GPU does for others
    meanwhile, and nothing of Python's.
    """
    rows = []
    cases = (("alone", 0, None), ("under load", OTHERS, None), ("under load, priority", OTHERS, bed.highest_priority()))
    for title, others, priority in cases:
        with bed.pipelines(engine, 1 + others, first_priority=priority, trace=True) as pipelines:
            lanes = [
                Lane(pipeline=pipeline, frame=bed.frame(f"camera_{index}", pinned=True))
                for index, pipeline in enumerate(pipelines[1:])
            ]
            latencies, on_gpu, load_per_s = _front(pipelines[0], bed.frame("front", pinned=True), lanes, seconds)
        rows.append(
            {
                "engine": engine,
                "case": title,
                "frames": len(latencies),
                "load_per_s": load_per_s,
                **_percentiles("latency", latencies),
                **_percentiles("gpu", on_gpu),
            }
        )
    return rows


def _front(front: Runner, frame: Frame, lanes: list[Lane], seconds: float) -> tuple[list[float], list[float], float]:
    """Latencies and GPU times of the front camera, ms, and frames a second of the others."""
    stopping = threading.Event()

    def load() -> None:
        while not stopping.is_set():
            for lane in lanes:
                lane.step()

    thread = threading.Thread(target=load) if lanes else None
    if thread is not None:
        thread.start()
    latencies, on_gpu = [], []
    time.sleep(0.3)
    for lane in lanes:
        lane.latencies_ns.clear()
    started = time.perf_counter()
    for number in range(max(20, int(seconds * RATE_HZ))):
        due = started + number / RATE_HZ
        time.sleep(max(0.0, due - time.perf_counter()))
        begun = time.perf_counter()
        result = front.process([frame])
        latencies.append((time.perf_counter() - begun) * 1e3)
        if result.stamps is not None:
            on_gpu.append((result.stamps.decoded_ns - result.stamps.uploaded_ns) / 1e6)
    elapsed = time.perf_counter() - started
    finished = sum(len(lane.latencies_ns) for lane in lanes)
    stopping.set()
    if thread is not None:
        thread.join()
    for lane in lanes:
        lane.drain()
    return latencies, on_gpu, finished / elapsed


def _percentiles(name: str, values: list[float]) -> dict[str, float]:
    p50, p99 = np.percentile(values, (50, 99)) if values else (float("nan"), float("nan"))
    return {f"{name}_p50_ms": float(p50), f"{name}_p99_ms": float(p99)}
