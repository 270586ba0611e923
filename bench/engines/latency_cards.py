"""Keeps what was measured in the manifests and cards of the engines."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Sequence
from pathlib import Path

from trt_perception.cli.judge_benefit import known_benefit
from trt_perception.engine.engine_results import LatencyResult, LatencyRow
from trt_perception.engine.manifest import read_manifest
from trt_perception.engine.update_card import update_card
from trt_perception.runtime.bench_result import BenchResult

TARGET_STREAMS = 4
"""At which engines are compared with FP16."""


def keep_latency(engines: Sequence[Path], result: BenchResult) -> None:
    """Rows and memory of each engine; where there is one of FP16, too, what the others bring over it."""
    measured = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")
    for engine in engines:
        update_card(engine, latency=_latency(engine, result, measured))
    fp16 = next((engine for engine in engines if engine.stem.endswith("_fp16")), None)
    if fp16 is None or not any((row.streams, row.batch) == (TARGET_STREAMS, 1) for row in result.rows):
        return
    for engine in engines:
        if engine == fp16:
            continue
        benefit = known_benefit(engine, fp16, TARGET_STREAMS)
        manifest, other = read_manifest(engine), read_manifest(fp16)
        latency = dataclasses.replace(
            _latency(engine, result, measured),
            compared_with=fp16.name,
            streams=TARGET_STREAMS,
            speed=benefit.speed_ratio,
            size=manifest.plan_bytes / other.plan_bytes,
            holds=benefit.is_recommended,
        )
        update_card(engine, latency=latency)


def _latency(engine: Path, result: BenchResult, measured: str) -> LatencyResult:
    rows = result.rows_of(engine.name)
    return LatencyResult(
        rows=tuple(
            LatencyRow(
                streams=row.streams,
                batch=row.batch,
                p50_ms=row.p50_ms,
                p99_ms=row.p99_ms,
                frames_per_s=row.frames_per_s,
            )
            for row in rows
        ),
        device_memory_mib=next(row.memory_bytes for row in rows if (row.streams, row.batch) == (1, 1)) / 2**20,
        measured=measured,
    )
