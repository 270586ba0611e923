"""How fast faults of the GPU are seen, and how fast results come again.

    python -m bench.gpu_faults

On a GPU machine. Runs the tests that provoke faults, which say what they measured; of several measurements the slowest
is kept. --times reads what an earlier run of the tests has written to the file that FAULT_TIMES named.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from bench.pipeline.identity import identity
from bench.result_file import ROOT, ResultFile, machine_facts

WORDS = {
    "gpu_illegal_address": "illegal address in a kernel",
    "gpu_misaligned_address": "misaligned address in a kernel",
    "gpu_trap": "trap in a kernel",
    "gpu_endless_kernel": "kernel that does not end (limit 2 s)",
    "gpu_out_of_memory": "out of memory when a pipeline is opened",
    "gpu_refused_call": "a call that CUDA refuses",
    "gpu_node_illegal_address": "the node: illegal address in a kernel, from the first image on",
    "gpu_node_endless": "the node: kernel that does not end, from the first image on",
}
COLUMNS = {
    "fault": "fault",
    "seen": "seen after, s",
    "process_ended": "process ended after, s",
    "over": "first result of the next after its start, s",
}
SEEN_S = 0.1
"""Longest until an error of a kernel is seen: with the frame."""
STUCK_S = 3.0
"""Longest until a kernel that does not end is seen: its limit, and a second."""


def measure(command: list[str]) -> str:
    """What the tests wrote."""
    with tempfile.TemporaryDirectory() as folder:
        times = Path(folder) / "times.jsonl"
        subprocess.run(command, cwd=ROOT, env={**os.environ, "FAULT_TIMES": str(times)}, check=True)
        return times.read_text()


def slowest(text: str) -> dict[str, dict[str, float]]:
    """The slowest time of each kind, by fault."""
    found: dict[str, dict[str, float]] = {}
    for line in text.splitlines():
        entry = json.loads(line)
        if entry["fault"] in WORDS:
            kinds = found.setdefault(entry.pop("fault"), {})
            for kind, seconds in entry.items():
                kinds[kind] = max(seconds, kinds.get(kind, 0.0))
    return found


def main() -> int:
    """Measure, print, write docs/results/gpu_faults.json; 1 where a goal is missed."""
    parser = argparse.ArgumentParser(prog="python -m bench.gpu_faults", description=__doc__.splitlines()[0])
    parser.add_argument("--times", type=Path, help="of an earlier run")
    arguments = parser.parse_args()
    tests = ["test/gpu/test_faults.py", "test/gpu/test_faults_node.py"]
    command = [sys.executable, "-m", "pytest", "-q", "-m", "gpu", *tests]
    found = slowest(arguments.times.read_text() if arguments.times else measure(command))
    errors = max(found[f"gpu_{name}"]["seen"] for name in ("illegal_address", "misaligned_address", "trap"))
    stuck = found["gpu_endless_kernel"]["seen"]
    result = ResultFile(
        name="gpu_faults",
        question="How fast a fault of the GPU is seen, and how fast results come again.",
        command="python -m bench.gpu_faults",
        columns=COLUMNS,
        rows=[{"fault": WORDS[fault], **found[fault]} for fault in WORDS if fault in found],
        goals=[
            f"an error in a kernel is seen within {SEEN_S:g} s: {errors:.3f} s, {_words(errors <= SEEN_S)}",
            f"a kernel that does not end is seen within {STUCK_S:g} s: {stuck:.2f} s, {_words(stuck <= STUCK_S)}",
        ],
        machine={**machine_facts(), **identity(stand_in=False)},
    )
    print(f"{result.write()}: " + "; ".join(result.goals))
    return 0 if errors <= SEEN_S and stuck <= STUCK_S else 1


def _words(held: bool) -> str:
    return "held" if held else "missed"


if __name__ == "__main__":
    sys.exit(main())
