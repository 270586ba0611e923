"""Many cameras as one batch, against a stream each: which is faster, and from how many cameras on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bench.pipeline.bed import Bed
from bench.pipeline.pumping import pump

SIZES = (1, 2, 4, 8, 16)


def measure_batching(
    bed: Bed, engine: str, batch_engine: str, seconds: float, *, say: Callable[[str], None]
) -> list[dict[str, Any]]:
    """One row a number of cameras: everything from pixels on the device to results on the host, one thread.

    Args:
        bed: What runs it.
        engine: Built for one frame; a stream a camera.
        batch_engine: Takes every one of SIZES as a batch.
        seconds: Of each measurement.
        say: Told of each row.
    """
    rows = []
    for size in SIZES:
        with bed.graphs(engine, size) as pumps:
            streams = pump(pumps, seconds)
        with bed.batch(batch_engine, size) as one:
            batch = pump([one], seconds)
        row = {
            "engine": engine,
            "cameras": size,
            "streams_per_s": streams.per_s,
            "streams_p50_ms": streams.p50_ms,
            "batch_per_s": batch.per_s * size,
            "batch_p50_ms": batch.p50_ms,
            "ratio": batch.per_s * size / streams.per_s,
        }
        say(
            f"{engine}, {size} cameras: streams {streams.per_s:.0f} ({streams.p50_ms:.2f} ms), "
            f"batch {batch.per_s * size:.0f} frames/s ({batch.p50_ms:.2f} ms), {row['ratio']:.2f}x"
        )
        rows.append(row)
    return rows


def rule(rows: list[dict[str, Any]]) -> str:
    """What follows from them, as a sentence."""
    won = [row for row in rows if row["cameras"] > 1 and row["ratio"] > 1.05]
    if not won:
        return "one batch never wins by more than 5 %: a stream a camera, whatever their number"
    first = min(row["cameras"] for row in won)
    best = max(won, key=lambda row: row["ratio"])
    return (
        f"one batch wins from {first} cameras on, at most {best['ratio']:.2f}x at {best['cameras']}, "
        f"for a frame's latency of {best['batch_p50_ms']:.2f} instead of {best['streams_p50_ms']:.2f} ms, "
        "and only where all of them come at one instant"
    )
