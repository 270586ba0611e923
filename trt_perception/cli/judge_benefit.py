"""What an engine brings over another one, from the figures that `bench` left in their manifests."""

from __future__ import annotations

from pathlib import Path

from trt_perception.engine.manifest import Manifest, read_manifest
from trt_perception.errors import InputError
from trt_perception.validate.benefit import Benefit, EngineCost, judge_benefit

MIB = 2.0**20


def known_benefit(engine: Path, other: Path, streams: int) -> Benefit:
    """The verdict at that number of streams, frame by frame.

    Raises:
        InputError: One of them was not measured at that number of streams, or on another GPU.
    """
    one, two = read_manifest(engine), read_manifest(other)
    if one.gpu.name != two.gpu.name:
        raise InputError(f"{other}: expected an engine of {one.gpu.name}, got one of {two.gpu.name}; build it here")
    has_memory = all(item.latency is not None and item.latency.device_memory_mib is not None for item in (one, two))
    return judge_benefit(
        _cost(engine, one, streams, has_memory=has_memory),
        _cost(other, two, streams, has_memory=has_memory),
        streams=streams,
    )


def _cost(engine: Path, manifest: Manifest, streams: int, *, has_memory: bool) -> EngineCost:
    rows = [] if manifest.latency is None else list(manifest.latency.rows)
    row = next((row for row in rows if row.streams == streams and row.batch == 1), None)
    if row is None or manifest.latency is None:
        raise InputError(
            f"{engine}: not measured at {streams} streams and batch 1; "
            f"run: trt-perception bench {engine} --streams {streams} --write-card"
        )
    measured = manifest.latency.device_memory_mib if has_memory else None
    return EngineCost(
        name=engine.name,
        frames_per_second=row.frames_per_s,
        p99_ms=row.p99_ms,
        memory_mib=manifest.plan_bytes / MIB if measured is None else measured,
    )
