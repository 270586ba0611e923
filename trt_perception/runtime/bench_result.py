"""What `bench` measured, and how engines compare."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from trt_perception.engine.engine_results import LatencyResult, LatencyRow
from trt_perception.engine.gpu_identity import GpuIdentity
from trt_perception.engine.tensorrt_module import TensorRtIdentity
from trt_perception.options.json_schema import to_plain

SCHEMA = 1
"""Number of the JSON's format."""


@dataclass(frozen=True, kw_only=True)
class BenchedEngine:
    """One engine, and the memory that it takes.

    Args:
        name: Its file.
        plan: Name of its precision plan; empty where it is not known.
        optimization_level: It was built with; None: not known.
        plan_bytes: Size of the file.
        weights_bytes: Device memory that loading it took, as CUDA counts, in steps of 2 MiB.
        scratch_bytes: Of each context: what it computes in.
    """

    name: str
    plan: str
    optimization_level: int | None
    plan_bytes: int
    weights_bytes: int
    scratch_bytes: int


@dataclass(frozen=True, kw_only=True)
class BenchRow:
    """One engine at one number of streams and one batch.

    Args:
        engine: Its file.
        streams: Contexts at once, each on a stream of its own.
        batch: Frames of one inference.
        p50_ms: Median GPU time of one inference on its stream, while the other streams work, too.
        p99_ms: The time that one inference in a hundred exceeds.
        frames_per_s: Of all streams together.
        inferences: How many were timed.
        memory_bytes: Device memory: weights, and scratch, inputs and outputs of every context.
        graph: `CUDA graph`, or why there is none.
        speed: Frames a second over those of the first engine.
    """

    engine: str
    streams: int
    batch: int
    p50_ms: float
    p99_ms: float
    frames_per_s: float
    inferences: int
    memory_bytes: int
    graph: str
    speed: float = 1.0


@dataclass(frozen=True, kw_only=True)
class BenchResult:
    """All of one run. Inputs and outputs stay on the device: transfers and everything else of a frame are not in it.

    Args:
        gpu: What it ran on.
        tensorrt: What ran it.
        seconds: Time of each measurement.
        engines: In the order given; the first one is what the others are compared with.
        rows: By streams and batch, then engine.
    """

    gpu: GpuIdentity
    tensorrt: TensorRtIdentity
    seconds: float
    engines: tuple[BenchedEngine, ...]
    rows: tuple[BenchRow, ...]

    def rows_of(self, engine: str) -> Sequence[BenchRow]:
        """Those of one engine."""
        return [row for row in self.rows if row.engine == engine]

    def memory_of_one_context(self, engine: str) -> int:
        """Device memory of an engine with one context, at the smallest batch measured."""
        weights = next(item.weights_bytes for item in self.engines if item.name == engine)
        return weights + min((row.memory_bytes - weights) // row.streams for row in self.rows_of(engine))

    def latency_of(self, engine: str) -> LatencyResult:
        """What an engine's card keeps of this, measured now."""
        return LatencyResult(
            rows=tuple(
                LatencyRow(
                    streams=row.streams,
                    batch=row.batch,
                    p50_ms=row.p50_ms,
                    p99_ms=row.p99_ms,
                    frames_per_s=row.frames_per_s,
                )
                for row in self.rows_of(engine)
            ),
            device_memory_mib=self.memory_of_one_context(engine) / 2**20,
            measured=datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        )

    def to_plain(self) -> dict[str, Any]:
        """All of it as JSON knows it."""
        return {"schema": SCHEMA, **to_plain(self)}
