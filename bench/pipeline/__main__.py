"""The GPU path beside the engine alone: one subcommand a question.

    python -m bench.pipeline --engines FOLDER --out PARTS PART

bench/run_pipeline.sh runs them in order. --stand-in rehearses without a GPU.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from bench.engines.part_file import say, write_part
from bench.pipeline.bed import Bed, make_bed
from trt_perception.ros.malloc import tune_malloc

ENGINES = ("demo_fp16", "demo_split", "size_m_fp16", "size_m_split", "nano_fp16", "nano_split")
STREAMED = ("demo_fp16", "size_m_fp16", "nano_fp16")


def parser() -> argparse.ArgumentParser:
    """All subcommands."""
    top = argparse.ArgumentParser(prog="python -m bench.pipeline", description=__doc__.splitlines()[0])
    top.add_argument("--engines", type=Path, required=True, help="folder of the engines")
    top.add_argument("--out", type=Path, required=True, help="folder of the parts")
    top.add_argument("--seconds", type=float, default=1.0, help="of each measurement (default: 1)")
    top.add_argument("--stand-in", action="store_true", help="rehearse")
    parts = top.add_subparsers(dest="part", required=True)
    for name, engines, text in (
        ("stages", ENGINES, "GPU time from pixels to results / engine alone, by stage"),
        ("streams", STREAMED, "frames a second of 1 to 16 pipelines"),
        ("priority", ("demo_fp16",), "the front camera's latency under load"),
        ("batch", ("demo_fp16",), "one batch against a stream a camera"),
        ("costs", ("demo_fp16",), "allocations, and the cost of tracing"),
    ):
        one = parts.add_parser(name, help=text)
        one.add_argument("names", nargs="*", default=list(engines), metavar="ENGINE",
                         help=f"default: {' '.join(engines)}")  # fmt: skip
    return top


def main() -> None:
    """Run one subcommand."""
    tune_malloc()  # as the node does
    arguments = parser().parse_args()
    bed = make_bed(arguments.engines, stand_in=arguments.stand_in)
    part = {"stages": _stages, "streams": _streams, "priority": _priority, "batch": _batch, "costs": _costs}
    for engine in arguments.names:
        if bed.has(engine):
            part[arguments.part](bed, engine, arguments.seconds, arguments.out)
        else:
            say(f"{engine}: there is no such engine, left out")


def _stages(bed: Bed, engine: str, seconds: float, out: Path) -> None:
    from bench.pipeline.stages import measure_stages, measure_traced

    row = measure_stages(bed, engine, seconds)
    times = ", ".join(f"{key[:-3]} {value:.3f}" for key, value in row.items() if key.endswith("_ms"))
    say(f"{engine}: to boxes {row['boxes_ratio']:.3f}x, whole {row['whole_ratio']:.3f}x the engine alone; ms: {times}")
    row |= measure_traced(bed, engine, seconds / 2)
    say(f"{engine} traced: " + ", ".join(f"{key} {row[key]:.3f}" for key in row if key.startswith("traced")))
    write_part(out, f"stages_{engine}", bed.identity(), {"row": row})


def _streams(bed: Bed, engine: str, seconds: float, out: Path) -> None:
    from bench.pipeline.streams import measure_streams

    rows = measure_streams(bed, engine, seconds, say=say)
    write_part(out, f"streams_{engine}", bed.identity(), {"rows": rows})


def _priority(bed: Bed, engine: str, seconds: float, out: Path) -> None:
    from bench.pipeline.priority import measure_priority

    rows = measure_priority(bed, engine, max(seconds * 10, 0.7))
    for row in rows:
        say(f"{engine}, front {row['case']}: " + ", ".join(f"{key} {row[key]:.2f}" for key in row if key.endswith("s")
                                                          and isinstance(row[key], float)))  # fmt: skip
    write_part(out, f"priority_{engine}", bed.identity(), {"rows": rows})


def _batch(bed: Bed, engine: str, seconds: float, out: Path) -> None:
    from bench.pipeline.batching import measure_batching, rule

    batched = engine.replace("_fp16", "_batch_fp16")
    if not bed.has(batched):
        say(f"{batched}: there is no such engine, left out")
        return
    rows = measure_batching(bed, engine, batched, seconds, say=say)
    say(rule(rows))
    write_part(out, f"batch_{engine}", bed.identity(), {"rows": rows, "rule": rule(rows)})


def _costs(bed: Bed, engine: str, seconds: float, out: Path) -> None:
    from bench.pipeline.costs import measure_allocations, measure_tracing

    allocations = measure_allocations(bed, engine)
    say(f"{engine}: {allocations}")
    tracing = measure_tracing(bed, engine, seconds * 2)
    for row in tracing:
        say(f"{row}")
    write_part(out, f"costs_{engine}", bed.identity(), {"allocations": allocations, "tracing": tracing})


if __name__ == "__main__":
    main()
