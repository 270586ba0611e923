"""Speed of the engines of one network over streams and batch sizes, and of ONNX Runtime on the CPU beside them."""

from __future__ import annotations

import dataclasses
import os
import time
from pathlib import Path
from typing import Any

import numpy as np

from bench.engines.engine_maker import EngineMaker
from bench.engines.networks import Network
from bench.engines.part_file import say, write_part
from trt_perception.runtime.onnxruntime_backend import OnnxRuntimeBackend


def measure_speed(
    network: Network,
    maker: EngineMaker,
    *,
    precisions: tuple[str, ...],
    streams: tuple[int, ...],
    batches: tuple[int, ...],
    seconds: float,
    cpu_runs: int,
    out: Path,
) -> None:
    """Write the part `speed_<network>`: one row a way, number of streams and batch size.

    Args:
        network: What to measure.
        maker: What runs its engines.
        precisions: Of the engines.
        streams: Numbers of streams.
        batches: Batch sizes, where the network's is open.
        seconds: How long each engine runs at one number of streams and batch size.
        cpu_runs: Inferences of ONNX Runtime.
        out: Folder of the parts.
    """
    built = tuple(precision for precision in precisions if network.engine(precision).exists())
    if not network.is_dynamic:
        batches = (1,)
    found = maker.bench(network, built, streams=streams, batches=batches, seconds=seconds) if built else []
    rows = [{"way": f"TensorRT {speed.precision}", **dataclasses.asdict(speed)} for speed in found]
    rows.append(_on_cpu(network, cpu_runs))
    for row in rows:
        say(f"{network.name} {row['way']}: {row['streams']} x {row['batch']}: {row['p50_ms']:.3f} ms, "
            f"{row['frames_per_s']:.0f} frames/s, {row.get('graph', '')}")  # fmt: skip
    content = {"network": network.name, "seconds": seconds, "rows": rows}
    write_part(out, f"speed_{network.name}", maker.identity(), content)


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
