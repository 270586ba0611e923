"""`trt-perception profile`: where the time of an engine goes, layer by layer."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from trt_perception.cli.key_argument import add_key_argument
from trt_perception.cli.profile_text import profile_text
from trt_perception.cli.progress import progress_bar
from trt_perception.errors import InputError
from trt_perception.options.write_atomically import write_atomically

if TYPE_CHECKING:
    from trt_perception.runtime.profile_engine import ProfiledEngine

NAME = "profile"
SUMMARY = "time every layer of an engine: hot spots by region, and a trace for chrome://tracing and Perfetto"
EXAMPLE = "trt-perception profile front.engine --top 15 --trace front.trace.json"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument("engine", type=Path, help="an engine with its manifest beside it")
    parser.add_argument("--runs", type=int, default=200, help="runs that are timed (default: 200)")
    parser.add_argument("--warm-up", type=int, default=20, help="runs before them (default: 20)")
    parser.add_argument("--top", type=int, default=20, help="layers in the table (default: 20)")
    parser.add_argument("--trace", type=Path, metavar="FILE", help="write a trace for chrome://tracing and Perfetto")
    parser.add_argument("--device", type=int, default=0, help="index of the GPU (default: 0)")
    add_key_argument(parser)
    parser.add_argument("--json", action="store_true", help="print all layers as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Time the layers and print where the time goes."""
    for name, smallest in (("runs", 1), ("warm_up", 0), ("top", 1)):
        value = getattr(arguments, name)
        if value < smallest:
            raise InputError(f"--{name.replace('_', '-')}: expected at least {smallest}, got {value}")
    profiled = _profile(arguments)
    if arguments.trace is not None:
        _write_trace(profiled, arguments.trace)
    if arguments.json:
        print(json.dumps({"engine": str(arguments.engine), **profiled.profile.to_plain()}, indent=2))
        return 0
    print(f"{arguments.engine}\n\n{profile_text(profiled.profile, top=arguments.top)}")
    for note in profiled.notes:
        print(f"\nnote: {note}")
    if arguments.trace is not None:
        print(f"\nwritten: {arguments.trace}")
    return 0


def _profile(arguments: argparse.Namespace) -> ProfiledEngine:
    from trt_perception.runtime.profile_engine import profile_engine

    with progress_bar("profile", total=arguments.runs, unit="run") as bar:
        return profile_engine(
            arguments.engine,
            runs=arguments.runs,
            warm_up=arguments.warm_up,
            device=arguments.device,
            public_key=arguments.public_key,
            progress=lambda done, total: bar.update(),
        )


def _write_trace(profiled: ProfiledEngine, path: Path) -> None:
    from trt_perception.engine.chrome_trace import chrome_trace

    trace = chrome_trace(profiled.profile, profiled.runs, title=profiled.engine.name)
    try:
        write_atomically(path, json.dumps(trace).encode())
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror or error}; check the folder") from error
