"""Frames a second of several pipelines of one engine, each with two tickets in flight."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bench.pipeline.bed import Bed, Promise, Runner
from bench.pipeline.pumping import pump
from trt_perception.frame import Frame

COUNTS = (1, 2, 4, 8, 16)
IN_FLIGHT = 2
WARM_UP_S = 0.3


@dataclass(kw_only=True)
class Lane:
    """One pipeline with its camera's frame, and the latency of every finished frame.

    Args:
        pipeline: It.
        frame: What it gets, again and again.
    """

    pipeline: Runner
    frame: Frame
    latencies_ns: list[int] = field(default_factory=list)
    _in_flight: deque[tuple[int, Promise]] = field(default_factory=deque)

    def step(self) -> None:
        """Take the oldest result where two are in flight, then begin another frame."""
        if len(self._in_flight) >= IN_FLIGHT:
            self.take()
        started = time.monotonic_ns()
        self._in_flight.append((started, self.pipeline.start([self.frame])))

    def take(self) -> None:
        """Take the oldest result."""
        started, ticket = self._in_flight.popleft()
        ticket.result()
        self.latencies_ns.append(time.monotonic_ns() - started)

    def drain(self) -> None:
        """Take all that are in flight."""
        while self._in_flight:
            self.take()


def measure_streams(
    bed: Bed, engine: str, seconds: float, counts: Sequence[int] = COUNTS, *, say: Callable[[str], None]
) -> list[dict[str, Any]]:
    """One row a number of pipelines.

    `engine_per_s` and `graph_per_s` are what the GPU can do: the engine alone, and the frame's whole graph with its
    pixels on the device, launched by one thread. `threads_per_s` is what the pipelines do, uploads and results
    included, a thread each as in the node; `one_thread_per_s` the same from one thread; `pageable_per_s` with a
    thread each and pixels in memory that is not pinned.
    """
    rows = []
    for count in counts:
        with bed.engines_alone(engine, count) as pumps:
            alone = pump(pumps, seconds)
        with bed.graphs(engine, count) as pumps:
            graphs = pump(pumps, seconds)
        row: dict[str, Any] = {
            "engine": engine,
            "pipelines": count,
            "engine_per_s": alone.per_s,
            "graph_per_s": graphs.per_s,
        }
        with bed.pipelines(engine, count) as pipelines:
            for name, pinned, drive in (
                ("threads", True, drive_threads),
                ("one_thread", True, drive_alone),
                ("pageable", False, drive_threads),
            ):
                lanes = [
                    Lane(pipeline=pipeline, frame=bed.frame(f"camera_{index}", pinned=pinned))
                    for index, pipeline in enumerate(pipelines)
                ]
                row[f"{name}_per_s"] = drive(lanes, seconds)
                latencies = np.concatenate([lane.latencies_ns for lane in lanes]) / 1e6
                row[f"{name}_p50_ms"], row[f"{name}_p99_ms"] = map(float, np.percentile(latencies, (50, 99)))
        say(
            f"{engine} x {count}: engine {alone.per_s:.0f}, graph {graphs.per_s:.0f}, "
            f"threads {row['threads_per_s']:.0f} ({row['threads_p50_ms']:.2f} / {row['threads_p99_ms']:.2f} ms), "
            f"one thread {row['one_thread_per_s']:.0f}, pageable {row['pageable_per_s']:.0f} frames/s"
        )
        rows.append(row)
    return rows


def drive_threads(lanes: Sequence[Lane], seconds: float) -> float:
    """A thread a lane; frames a second of all together."""
    phase = threading.Event()
    stopping = threading.Event()

    def run(lane: Lane) -> None:
        while not phase.is_set():
            lane.step()
        lane.latencies_ns.clear()
        while not stopping.is_set():
            lane.step()

    threads = [threading.Thread(target=run, args=(lane,)) for lane in lanes]
    for thread in threads:
        thread.start()
    time.sleep(WARM_UP_S)
    phase.set()
    started = time.perf_counter()
    time.sleep(seconds)
    stopping.set()
    elapsed = time.perf_counter() - started
    for thread in threads:
        thread.join()
    finished = sum(len(lane.latencies_ns) for lane in lanes)
    for lane in lanes:
        lane.drain()
    return finished / elapsed


def drive_alone(lanes: Sequence[Lane], seconds: float) -> float:
    """One thread for all lanes; frames a second."""
    end = time.perf_counter() + WARM_UP_S
    while time.perf_counter() < end:
        for lane in lanes:
            lane.step()
    for lane in lanes:
        lane.latencies_ns.clear()
    started = time.perf_counter()
    while time.perf_counter() < started + seconds:
        for lane in lanes:
            lane.step()
    finished = sum(len(lane.latencies_ns) for lane in lanes)
    elapsed = time.perf_counter() - started
    for lane in lanes:
        lane.drain()
    return finished / elapsed
