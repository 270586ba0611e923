"""Builds engines, several at once, each in a process of its own; one that fails is recorded, not fatal."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bench.engines.engine_maker import EngineFacts, EngineMaker
from bench.engines.networks import Network
from bench.engines.part_file import say, write_part
from trt_perception.errors import PerceptionError

LONGEST_S = 420.0
"""A build that takes longer is given up, so that the rest of a run has its time."""


def build_all(
    wanted: list[tuple[Network, str, int]], maker: EngineMaker, *, kind: str, jobs: int, longest_s: float, out: Path
) -> None:
    """Write a part `build_<network>_<precision>` for each engine.

    Args:
        wanted: Network, precision and optimisation level; the ones that take longest first.
        maker: For its identity.
        kind: Of the maker, for the processes.
        jobs: How many builds at once.
        longest_s: What a build may take.
        out: Folder of the parts.
    """
    end = time.monotonic() + longest_s

    def build(item: tuple[Network, str, int]) -> EngineFacts:
        return _in_process(*item, kind=kind, longest_s=max(1.0, end - time.monotonic()))

    with ThreadPoolExecutor(jobs) as pool:
        for facts in pool.map(build, wanted):
            name = f"build_{facts.network}_{facts.precision}"
            write_part(out, name, maker.identity(), {"jobs": jobs, "row": facts.to_plain()})


def build_one(network: Network, precision: str, level: int, maker: EngineMaker) -> EngineFacts:
    """Build here; the failure becomes part of the facts."""
    try:
        return maker.make(network, precision, level)
    except PerceptionError as error:
        return EngineFacts(network=network.name, precision=precision, level=level, failure=str(error))


def _in_process(network: Network, precision: str, level: int, *, kind: str, longest_s: float) -> EngineFacts:
    name = f"{network.name}_{precision}"
    command = [sys.executable, "-m", "bench.engines", "--work", str(network.work), "--maker", kind, "build-one"]
    command += [network.name, precision, "--level", str(level)]
    started = time.monotonic()
    say(f"{name}: building at level {level}")
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=longest_s)
    except subprocess.TimeoutExpired:
        facts = EngineFacts(network=network.name, precision=precision, level=level, failure="given up: took too long")
    else:
        facts = _facts(done, network.name, precision, level)
    told = facts.failure or f"{facts.plan_mb:.1f} MB, TensorRT took {facts.build_s:.0f} s"
    say(f"{name}: {told} ({time.monotonic() - started:.0f} s)")
    return facts


def _facts(done: subprocess.CompletedProcess[str], network: str, precision: str, level: int) -> EngineFacts:
    """The last line of the output is the facts as JSON."""
    try:
        plain = json.loads(done.stdout.splitlines()[-1])
        plain["batch"], plain["messages"] = tuple(plain["batch"]), tuple(plain["messages"])
        return EngineFacts(**plain)
    except (IndexError, ValueError, TypeError, KeyError):
        words = " ".join((done.stderr or done.stdout).splitlines()[-5:])
        return EngineFacts(network=network, precision=precision, level=level,
                           failure=f"exit code {done.returncode}: {words}")  # fmt: skip
