"""Speed of the engines of one network over streams and batch sizes, and of ONNX Runtime on the CPU beside them."""

from __future__ import annotations

import dataclasses
import os
import time
from pathlib import Path
from typing import Any

import numpy as np

from bench.engines.engine_maker import EngineMaker
from bench.engines.networks import BATCHES, Network
from bench.engines.part_file import say, write_part
from trt_perception.errors import PerceptionError
from trt_perception.runtime.onnxruntime_backend import OnnxRuntimeBackend

STREAMS = (1, 4, 8)
ROUNDS = 3
"""Of all configurations one after the other; the median counts, so that no engine has the coolest moment alone."""


def measure_speed(
    network: Network, maker: EngineMaker, *, precisions: tuple[str, ...], seconds: float, cpu_runs: int, out: Path
) -> None:
    """Write the part `speed_<network>`: one row a way, number of streams and batch size.

    Args:
        network: What to measure.
        maker: What runs its engines.
        precisions: Of the engines.
        seconds: How long one configuration runs in each of ROUNDS.
        cpu_runs: Inferences of ONNX Runtime.
        out: Folder of the parts.
    """
    built = [precision for precision in precisions if network.engine(precision).exists()]
    found: dict[tuple[str, int, int], list[dict[str, Any]]] = {}
    failures: dict[str, str] = {}
    for number in range(ROUNDS):
        for streams in STREAMS:
            for batch in BATCHES if network.is_dynamic else BATCHES[:1]:
                for precision in built:
                    try:
                        speed = maker.measure(network, precision, streams=streams, batch=batch, seconds=seconds)
                    except PerceptionError as error:
                        failures[f"{precision}, {streams} streams, batch {batch}"] = str(error)
                        say(f"{network.name}_{precision}: {streams} streams, batch {batch}: {error}")
                        continue
                    found.setdefault((precision, streams, batch), []).append(dataclasses.asdict(speed))
        say(f"{network.name}: round {number + 1} of {ROUNDS}")
    rows = [{"way": f"TensorRT {precision}", **_median(values)} for (precision, _, _), values in found.items()]
    rows.append(_on_cpu(network, cpu_runs))
    for row in rows:
        say(f"{network.name} {row['way']}: {row['streams']} x {row['batch']}: {row['p50_ms']:.3f} ms, "
            f"{row['frames_per_s']:.0f} frames/s")  # fmt: skip
    content = {"network": network.name, "seconds": seconds, "rounds": ROUNDS, "rows": rows, "failures": failures}
    write_part(out, f"speed_{network.name}", maker.identity(), content)


def _median(values: list[dict[str, Any]]) -> dict[str, Any]:
    """The round in the middle by frames a second, whole, so that its figures belong together."""
    return sorted(values, key=lambda row: float(row["frames_per_s"]))[len(values) // 2]


def _on_cpu(network: Network, runs: int) -> dict[str, Any]:
    spec, cores = network.spec, os.cpu_count() or 1
    arrays = {item.name: np.full(item.shape, 0.5, np.float32) for item in spec.inputs}
    times = []
    with OnnxRuntimeBackend(spec, threads=cores) as backend:
        backend.infer(arrays)
        for _ in range(runs):
            started = time.perf_counter()
            backend.infer(arrays)
            times.append((time.perf_counter() - started) * 1e3)
    return {
        "way": f"ONNX Runtime FP32, {cores} CPU cores",
        "streams": 1,
        "batch": 1,
        "p50_ms": float(np.median(times)),
        "p99_ms": float(np.percentile(times, 99)),
        "frames_per_s": 1e3 / float(np.mean(times)),
    }
