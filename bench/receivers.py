"""What it costs to receive 1080p images in the node's own process, and in receiver processes beside it.

    python bench/receivers.py [--cameras 1 2 4] [--pairs 3] [--count 150]

Both ways by turns, pair by pair, the same streams (a publisher process a camera, bgr8 at 30 Hz); medians of pairs and
of their ratios. Frames are received, judged and not processed, since nobody listens: what is measured is reception. CPU
time is that of all threads; a stall is how late a thread of the node's process comes to run that sleeps a millisecond
again and again, because another holds the interpreter or no core is free: what the cameras' workers wait, too.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Callable
from typing import Any

from processes.run import finish, start
from result_file import ResultFile

RATE_HZ = 30
CAMERAS_A_RECEIVER = 4
GOAL_NODE = 0.5
Run = dict[str, Any]


def run(cameras: int, receivers: int, count: int) -> Run:
    """One run of the node."""
    names = [f"camera_{index}" for index in range(cameras)]
    arguments = ("--count", str(count), "--receivers", str(receivers), "--unheard", "--stalls")
    node = start("node", *names, *arguments)
    senders = [
        start("camera", f"{name}/image_raw", "--rate-hz", str(RATE_HZ), "--count", str(count + 2 * RATE_HZ))
        for name in names
    ]
    try:
        return finish(node)
    finally:
        node.kill()
        for sender in senders:
            sender.kill()
            sender.communicate()


def row(cameras: int, receivers: int, pairs: int, count: int) -> dict[str, Any]:
    """The medians of so many pairs."""
    runs = []
    for number in range(1, pairs + 1):
        runs.append((run(cameras, 0, count), run(cameras, receivers, count)))
        alone, beside = runs[-1]
        print(f"{cameras} cameras, pair {number}: {alone}\n    {beside}", flush=True)

    def median(value: Callable[[Run, Run], float]) -> float:
        return statistics.median(value(alone, beside) for alone, beside in runs)

    return {
        "cameras": cameras,
        "receivers": receivers,
        "node_ratio": median(lambda alone, beside: beside["cpu_ms"] / alone["cpu_ms"]),
        "all_ratio": median(lambda alone, beside: (beside["cpu_ms"] + beside["receiver_cpu_ms"]) / alone["cpu_ms"]),
        "stall_ratio": median(lambda alone, beside: beside["stall_ms"]["p99"] / alone["stall_ms"]["p99"]),
        "alone_ms": median(lambda alone, beside: alone["cpu_ms"]),
        "node_ms": median(lambda alone, beside: beside["cpu_ms"]),
        "receiver_ms": median(lambda alone, beside: beside["receiver_cpu_ms"]),
        "alone_stall_ms": median(lambda alone, beside: alone["stall_ms"]["p99"]),
        "stall_ms": median(lambda alone, beside: beside["stall_ms"]["p99"]),
        "receiver_mb": median(lambda alone, beside: statistics.median(beside["receiver_mb"])),
    }


def main() -> int:
    """Measure, print, write docs/results/receivers.json; 1 where the goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cameras", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--count", type=int, default=150, help="images of every camera")
    options = parser.parse_args()
    rows = [row(n, -(-n // CAMERAS_A_RECEIVER), options.pairs, options.count) for n in options.cameras]
    worst = max(float(each["node_ratio"]) for each in rows)
    verdict = "held" if worst <= GOAL_NODE else "missed"
    result = ResultFile(
        name="receivers",
        question=(
            f"Reception of 1080p bgr8 at {RATE_HZ} Hz in receiver processes relative to in the node's process; medians "
            f"of {options.pairs} pairs of runs, CPU time an image."
        ),
        command="python bench/receivers.py"
        + (f" --cameras {' '.join(map(str, options.cameras))}" if options.cameras != [1, 2, 4] else ""),
        columns={
            "cameras": "cameras",
            "receivers": "receivers",
            "node_ratio": "node's CPU, ratio",
            "all_ratio": "node's and receivers' CPU, ratio",
            "stall_ratio": "stalls in the node, 99th percentile, ratio",
            "alone_ms": "in process: CPU ms",
            "node_ms": "node CPU ms",
            "receiver_ms": "receiver CPU ms",
            "alone_stall_ms": "in process: stalls p99 ms",
            "stall_ms": "stalls p99 ms",
            "receiver_mb": "a receiver's private MB",
        },
        rows=rows,
        goals=[f"the node's CPU time an image at most {GOAL_NODE} of in-process reception: {worst:.2f}, {verdict}"],
    )
    print(f"{result.write()}: {result.goals[0]}")
    return 0 if worst <= GOAL_NODE else 1


if __name__ == "__main__":
    sys.exit(main())
