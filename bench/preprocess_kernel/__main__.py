"""How long the preprocessing kernel takes on the GPU, and how near that is to the memory's speed.

    python -m bench.preprocess_kernel [--seconds 0.3] [--out FOLDER] [--rehearse]

Needs a GPU and cuda-core, no TensorRT. --rehearse makes the same calls without a GPU and launches nothing.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from bench.preprocess_kernel.case import CASES
from bench.preprocess_kernel.timers import GpuTimer, RehearsalTimer, Timer
from bench.result_file import RESULTS, ResultFile, machine_facts

GOAL_US = 6.0
GOAL_CASE = "1080p to 640 x 640"


def main() -> int:
    """Measure, print, write preprocess_kernel.json; 1 where a goal is missed."""
    parser = argparse.ArgumentParser(prog="python -m bench.preprocess_kernel", description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=0.3, help="of each measurement (default: 0.3)")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of the result (default: docs/results)")
    parser.add_argument("--rehearse", action="store_true", help="launch nothing")
    arguments = parser.parse_args()
    timer: Timer = RehearsalTimer() if arguments.rehearse else GpuTimer(arguments.seconds)
    memset = timer.memset_gb_s()
    rows = []
    for case in CASES:
        found = timer.measure(case)
        moved = case.read_bytes + case.written_bytes
        rows.append({
            "case": case.name, "encoding": case.encoding.value, **found,
            "read_mb": case.read_bytes / 1e6, "written_mb": case.written_bytes / 1e6,
            "share": moved / found["memory_us"] / 1e3 / memset,
        })  # fmt: skip
        print(f"{case.name}: {found['memory_us']:.2f} us, from the cache {found['cache_us']:.2f} us, "
              f"{found['differing']} values differ", flush=True)  # fmt: skip
    goal = next(row for row in rows if row["case"] == GOAL_CASE)
    goals = [
        f"{GOAL_CASE} within {GOAL_US:g} us, pixels in memory: {goal['memory_us']:.2f} us, "
        f"{'held' if goal['memory_us'] <= GOAL_US else 'missed'}",
        f"no value differs from the reference: {sum(row['differing'] for row in rows)}, "
        f"{'missed' if any(row['differing'] for row in rows) else 'held'}",
    ]
    result = ResultFile(
        name="preprocess_kernel",
        question="GPU time of the preprocessing kernel, one launch after the other in a CUDA graph.",
        command="python -m bench.preprocess_kernel",
        columns={
            "case": "image to tensor", "encoding": "encoding",
            "memory_us": "pixels in memory, us", "cache_us": "pixels in the cache, us",
            "read_mb": "read, MB", "written_mb": "written, MB",
            "share": "bytes a second / those of a memset", "differing": "values that differ from the reference",
        },
        rows=rows,
        goals=goals,
        machine={**machine_facts(), **timer.facts(), "memset_gb_s": f"{memset:.0f}"},
    )  # fmt: skip
    print(f"{result.write(arguments.out)}: {'; '.join(goals)}")
    return 1 if any(goal.endswith("missed") for goal in goals) else 0


if __name__ == "__main__":
    sys.exit(main())
