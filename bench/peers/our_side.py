"""This package's side of the comparison: GpuPipelines of one engine."""

from __future__ import annotations

import time
from contextlib import ExitStack
from types import TracebackType
from typing import Any

import numpy as np

from bench.pipeline.bed import Bed
from bench.pipeline.streams import Lane, drive_alone
from trt_perception.detections import Detections
from trt_perception.result import Result
from trt_perception.thresholds import Thresholds

SIX = 6
THRESHOLDS = Thresholds(score=0.25, nms_iou=0.45, max_detections=300)
"""As bench/peers/torch_side.py has them."""


class OurSide:
    """Six pipelines on streams of their own.

    Args:
        bed: What runs them.
        engine: The engine.
    """

    ways = (("one by one", 1), ("six at once", SIX), ("six pipelines kept full", SIX))

    def __init__(self, bed: Bed, engine: str) -> None:
        self._stack = ExitStack()
        self._pipelines = self._stack.enter_context(bed.pipelines(engine, SIX))
        for pipeline in self._pipelines:
            pipeline.thresholds = THRESHOLDS
        self._frames = [bed.frame(f"camera_{index}", pinned=False) for index in range(SIX)]

    def __enter__(self) -> OurSide:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def measure(self, way: str, batch: int, seconds: float) -> dict[str, Any]:
        """As the other side answers."""
        first = self._pipelines[0].process([self._frames[0]])
        if way == "six pipelines kept full":
            lanes = [Lane(pipeline=one, frame=frame) for one, frame in zip(self._pipelines, self._frames, strict=True)]
            per_s = drive_alone(lanes, seconds)
            latencies = [value / 1e6 for lane in lanes for value in lane.latencies_ns]
            return {"per_s": per_s, "p50_ms": float(np.median(latencies)), "objects": objects(first)}
        times: list[float] = []
        for _ in range(3):
            self._once(batch)
        started = time.perf_counter()
        while not times or time.perf_counter() - started < seconds:
            begun = time.perf_counter()
            self._once(batch)
            times.append((time.perf_counter() - begun) * 1e3)
        elapsed = time.perf_counter() - started
        return {"per_s": len(times) * batch / elapsed, "p50_ms": float(np.median(times)), "objects": objects(first)}

    def _once(self, batch: int) -> None:
        tickets = [self._pipelines[index].start([self._frames[index]]) for index in range(batch)]
        for ticket in tickets:
            ticket.result()


def objects(result: Result) -> list[list[float]]:
    """x1 y1 x2 y2 score class of every detection, as lists."""
    rows = []
    for head in result.heads.values():
        if isinstance(head, Detections):
            parts = (head.boxes, head.scores[:, None], head.class_ids[:, None])
            rows += np.concatenate([part.astype(float) for part in parts], axis=1).tolist()
    return rows
