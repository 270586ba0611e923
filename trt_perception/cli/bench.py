"""`trt-perception bench`: throughput, latency and memory of engines over streams and batch sizes."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from trt_perception.cli.key_argument import add_key_argument
from trt_perception.cli.progress import progress_bar
from trt_perception.cli.table import render_table
from trt_perception.errors import InputError
from trt_perception.options.write_atomically import write_atomically

if TYPE_CHECKING:
    from trt_perception.runtime.bench_result import BenchResult

NAME = "bench"
SUMMARY = "measure engines: frames a second, latency and memory over streams and batch sizes"
EXAMPLE = "trt-perception bench front.fp16.engine front.engine --streams 1 4 8 --batch 1 4 16 --json bench.json"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument(
        "engines", type=Path, nargs="+", metavar="ENGINE",
        help="engines with their manifests; the others are compared with the first",
    )  # fmt: skip
    parser.add_argument("--streams", type=int, nargs="+", default=[1, 4], metavar="N", help="streams (default: 1 4)")
    parser.add_argument(
        "--batch", type=int, nargs="+", default=[1], metavar="N", help="frames of one inference (default: 1)"
    )
    parser.add_argument("--seconds", type=float, default=1.0, help="time of each measurement (default: 1)")
    parser.add_argument("--device", type=int, default=0, help="index of the GPU (default: 0)")
    add_key_argument(parser)
    parser.add_argument("--no-graph", action="store_true", help="launch kernels one by one, without CUDA graphs")
    parser.add_argument("--write-card", action="store_true", help="keep the figures in each engine's manifest and card")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Measure, print a table, keep the figures where asked to."""
    from trt_perception.runtime.bench_engine import bench_engines

    total = len(arguments.engines) * len(arguments.streams) * len(arguments.batch)
    with progress_bar("bench", total=total, unit="measurement") as bar:
        result = bench_engines(
            arguments.engines,
            streams=arguments.streams,
            batches=arguments.batch,
            seconds=arguments.seconds,
            device=arguments.device,
            public_key=arguments.public_key,
            graph=not arguments.no_graph,
            on_row=lambda row: bar.update(),
        )
    print(render_bench(result))
    if arguments.write_card:
        for engine in arguments.engines:
            _write_card(engine, result)
    if arguments.json is not None:
        try:
            write_atomically(arguments.json, (json.dumps(result.to_plain(), indent=2) + "\n").encode())
        except OSError as error:
            raise InputError(f"{arguments.json}: cannot be written: {error.strerror or error}") from error
        print(f"written: {arguments.json}")
    return 0


def render_bench(result: BenchResult) -> str:
    """Two tables: the engines, and what was measured."""
    first = result.engines[0]
    engines = [
        [
            engine.name,
            engine.plan or "-",
            "-" if engine.optimization_level is None else str(engine.optimization_level),
            _mib(engine.plan_bytes),
            engine.plan_bytes / first.plan_bytes,
            _mib(engine.weights_bytes),
            _mib(engine.scratch_bytes),
        ]
        for engine in result.engines
    ]
    rows = [
        [row.engine, row.streams, row.batch, row.speed, row.frames_per_s, row.p50_ms, row.p99_ms,
         _mib(row.memory_bytes), row.graph]
        for row in result.rows
    ]  # fmt: skip
    return "\n".join(
        [
            f"{result.tensorrt} on {result.gpu}; device time only, {result.seconds:g} s each",
            "",
            render_table(
                ["engine", "precision plan", "level", "plan MiB", "ratio", "weights MiB", "scratch MiB"], engines
            ),
            "",
            render_table(
                ["engine", "streams", "batch", "speed", "frames/s", "p50 ms", "p99 ms", "memory MiB", "launch"], rows
            ),
        ]
    )


def _write_card(engine: Path, result: BenchResult) -> None:
    from trt_perception.engine.update_card import update_card

    was_signed = update_card(engine, latency=result.latency_of(engine.name))
    print(f"kept in {engine.name}.json and .md{'; its signature is void: sign again' * was_signed}")


def _mib(nbytes: int) -> float:
    return nbytes / 2**20
