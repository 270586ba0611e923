"""What it costs to receive 1080p images in the node's own process, and in receiver processes beside it.

    python bench/receivers.py [--cameras 1 2] [--pairs 5] [--count 150] [--stalls] [--result receivers]

Both ways by turns, pair by pair, the same streams (a publisher process a camera, bgr8 at 30 Hz); medians of pairs and
of their ratios. Frames are received, judged and not processed, since nobody listens: what is measured is reception. CPU
time is that of all threads. With --stalls, which wants a core for every camera and costs CPU time itself: how late a
thread of the node's process comes to run that sleeps a millisecond again and again, because another holds the
interpreter or no core is free; that is what the cameras' workers wait, too.
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
STALLS = {
    "stall_ratio": "stalls in the node, 99th percentile, ratio",
    "alone_stall_ms": "in process: stalls p99 ms",
    "stall_ms": "stalls p99 ms",
}
Run = dict[str, Any]


def run(cameras: int, receivers: int, options: argparse.Namespace) -> Run:
    """One run of the node."""
    names = [f"camera_{index}" for index in range(cameras)]
    stalls = ["--stalls"] if options.stalls else []
    node = start("node", *names, "--count", str(options.count), "--receivers", str(receivers), "--unheard", *stalls)
    senders = [
        start("camera", f"{name}/image_raw", "--rate-hz", str(RATE_HZ), "--count", str(options.count + 2 * RATE_HZ))
        for name in names
    ]
    try:
        return finish(node)
    finally:
        node.kill()
        for sender in senders:
            sender.kill()
            sender.communicate()


def row(cameras: int, receivers: int, options: argparse.Namespace) -> dict[str, Any]:
    """The medians of so many pairs."""
    runs = []
    for number in range(1, options.pairs + 1):
        runs.append((run(cameras, 0, options), run(cameras, receivers, options)))
        alone, beside = runs[-1]
        print(f"{cameras} cameras, pair {number}: {alone}\n    {beside}", flush=True)

    def median(value: Callable[[Run, Run], float]) -> float:
        return statistics.median(value(alone, beside) for alone, beside in runs)

    stalls = {
        "stall_ratio": lambda alone, beside: beside["stall_ms"]["p99"] / alone["stall_ms"]["p99"],
        "alone_stall_ms": lambda alone, beside: alone["stall_ms"]["p99"],
        "stall_ms": lambda alone, beside: beside["stall_ms"]["p99"],
    }
    return {
        "cameras": cameras,
        "receivers": receivers,
        "node_ratio": median(lambda alone, beside: beside["cpu_ms"] / alone["cpu_ms"]),
        "all_ratio": median(lambda alone, beside: (beside["cpu_ms"] + beside["receiver_cpu_ms"]) / alone["cpu_ms"]),
        "alone_ms": median(lambda alone, beside: alone["cpu_ms"]),
        "node_ms": median(lambda alone, beside: beside["cpu_ms"]),
        "receiver_ms": median(lambda alone, beside: beside["receiver_cpu_ms"]),
        "alone_share": median(lambda alone, beside: _share(alone, cameras)),
        "share": median(lambda alone, beside: _share(beside, cameras)),
        "receiver_mb": median(lambda alone, beside: statistics.median(beside["receiver_mb"])),
        **({key: median(value) for key, value in stalls.items()} if options.stalls else {}),
    }


def _share(run: Run, cameras: int) -> float:
    """Images that were received, of those that were sent meanwhile."""
    return float(run["received"] / run["seconds"] / cameras / RATE_HZ)


def main() -> int:
    """Measure, print, write docs/results/; 1 where the goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cameras", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--count", type=int, default=150, help="images of every camera")
    parser.add_argument("--stalls", action="store_true", help="measure how long threads wait for the interpreter")
    parser.add_argument("--result", default="receivers", help="name of the file in docs/results/")
    options = parser.parse_args()
    rows = [row(n, -(-n // CAMERAS_A_RECEIVER), options) for n in options.cameras]
    worst = max(float(each["node_ratio"]) for each in rows)
    verdict = "held" if worst <= GOAL_NODE else "missed"
    result = ResultFile(
        name=options.result,
        question=(
            f"Reception of 1080p bgr8 at {RATE_HZ} Hz in receiver processes relative to in the node's process; medians "
            f"of {options.pairs} pairs of runs, CPU time an image."
        ),
        command=" ".join(["python bench/receivers.py", *sys.argv[1:]]),
        columns={
            "cameras": "cameras",
            "receivers": "receivers",
            "node_ratio": "node's CPU, ratio",
            "all_ratio": "node's and receivers' CPU, ratio",
            "alone_ms": "in process: CPU ms",
            "node_ms": "node CPU ms",
            "receiver_ms": "receiver CPU ms",
            "alone_share": "in process: share received",
            "share": "share received",
            "receiver_mb": "a receiver's private MB",
            **(STALLS if options.stalls else {}),
        },
        rows=rows,
        goals=[f"the node's CPU time an image at most {GOAL_NODE} of in-process reception: {worst:.2f}, {verdict}"],
    )
    print(f"{result.write()}: {result.goals[0]}")
    return 0 if worst <= GOAL_NODE else 1


if __name__ == "__main__":
    sys.exit(main())
