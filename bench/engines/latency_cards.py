"""Keeps what was measured in the manifests and cards of the engines."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from trt_perception.cli.judge_benefit import known_benefit
from trt_perception.engine.manifest import read_manifest
from trt_perception.engine.update_card import update_card
from trt_perception.runtime.bench_result import BenchResult

TARGET_STREAMS = 4
"""At which engines are compared with FP16."""


def keep_latency(engines: Sequence[Path], result: BenchResult) -> None:
    """Rows and memory of each engine; where there is one of FP16, too, what the others bring over it."""
    for engine in engines:
        update_card(engine, latency=result.latency_of(engine.name))
    fp16 = next((engine for engine in engines if engine.stem.endswith("_fp16")), None)
    if fp16 is None or not any((row.streams, row.batch) == (TARGET_STREAMS, 1) for row in result.rows):
        return
    for engine in engines:
        if engine == fp16:
            continue
        benefit = known_benefit(engine, fp16, TARGET_STREAMS)
        manifest, other = read_manifest(engine), read_manifest(fp16)
        latency = dataclasses.replace(
            result.latency_of(engine.name),
            compared_with=fp16.name,
            streams=TARGET_STREAMS,
            speed=benefit.speed_ratio,
            size=manifest.plan_bytes / other.plan_bytes,
            holds=benefit.is_recommended,
        )
        update_card(engine, latency=latency)
