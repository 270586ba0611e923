"""What was measured of one engine: how far it is from FP32, and how fast; kept in its manifest, shown in its card."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from trt_perception.options.option import option


@dataclass(frozen=True, kw_only=True)
class AccuracyResult:
    """An engine beside the FP32 model on the same frames."""

    reference: str = option(description="What it is compared with, e.g. `ONNX Runtime FP32`.")
    data: str = option(description="The frames: bag, folder or data set.")
    frames: int = option(description="Number of frames.", minimum=1)
    metrics: Mapping[str, tuple[float, float]] = option(
        description="By name, e.g. `mAP50`: of the reference and of the engine, both from 0 to 1."
    )
    limit: str = option("", description="What was asked for, in words, e.g. `mAP50 at most 0.005 lower`.")
    holds: bool | None = option(None, description="Whether the limit holds; none: no limit was asked for.")
    measured: str = option("", description="When, ISO 8601.")


@dataclass(frozen=True, kw_only=True)
class LatencyRow:
    """One way of running the engine."""

    streams: int = option(description="Streams at once.", minimum=1)
    batch: int = option(description="Frames of one inference.", minimum=1)
    p50_ms: float = option(description="Median time of one inference, ms.", minimum=0.0)
    p99_ms: float = option(description="99th percentile, ms.", minimum=0.0)
    frames_per_s: float = option(description="Frames a second of all streams.", minimum=0.0)


@dataclass(frozen=True, kw_only=True)
class LatencyResult:
    """Speed and size of an engine, and whether they are worth its precision."""

    rows: tuple[LatencyRow, ...] = option(description="What was measured.")
    device_memory_mib: float | None = option(None, description="Device memory of the engine and one context, MiB.")
    compared_with: str = option("", description="The other engine of the same model, e.g. `demo_model.fp16.engine`.")
    streams: int | None = option(None, description="Streams at which it is compared: those of the target.")
    speed: float | None = option(None, description="Frames a second over those of the other engine.")
    size: float | None = option(None, description="Bytes of the plan over those of the other engine.")
    holds: bool | None = option(None, description="Whether it is faster or smaller; none: it was not compared.")
    measured: str = option("", description="When, ISO 8601.")
