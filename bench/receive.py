"""What it costs to receive a 1080p image: the node's whole way against a node as tutorials write it.

    python bench/receive.py

The node takes raw messages, parses the header by hand, puts the frame into a slot, wakes the worker, and publishes an
empty result (the model is null); the naive one subscribes as usual and makes a NumPy array of the data. Each gets the
same stream from a process of its own; in turn, the ratio pair by pair, the median counts. CPU time of all threads.
"""

from __future__ import annotations

import statistics
import sys

from processes.run import finish, start
from result_file import ResultFile

PAIRS = 5
IMAGES = 300
RATE_HZ = 30
GOAL = 0.25


def cpu_ms(receiver: str) -> float:
    """CPU milliseconds an image in that receiver."""
    arguments = ("front",) if receiver == "node" else ("front/image_raw",)
    receiving = start(receiver, *arguments, "--count", str(IMAGES - 30))
    sending = start("camera", "front/image_raw", "--rate-hz", str(RATE_HZ), "--count", str(IMAGES + 30))
    try:
        result = finish(receiving)
    finally:
        receiving.kill()
        sending.kill()
        sending.communicate()
    return float(result["cpu_ms"])


def main() -> int:
    """Measure, print, write docs/results/receive.json; 1 where the goal is missed."""
    pairs = []
    for number in range(PAIRS):
        pairs.append((cpu_ms("node"), cpu_ms("naive_receiver")))
        print(f"pair {number + 1}: node {pairs[-1][0]:.2f} ms, naive {pairs[-1][1]:.2f} ms", flush=True)
    ratio = statistics.median(ours / naive for ours, naive in pairs)
    verdict = "held" if ratio <= GOAL else "missed"
    result = ResultFile(
        name="receive",
        question=f"CPU time per received 1080p bgr8 image at {RATE_HZ} Hz, median of {PAIRS} pairs of runs.",
        command="python bench/receive.py",
        columns={"way": "way", "cpu_ms": "CPU ms an image", "ratio": "ratio"},
        rows=[
            {
                "way": "naive rclpy node: subscription, default malloc, NumPy array",
                "cpu_ms": statistics.median(naive for _, naive in pairs),
                "ratio": 1.0,
            },
            {
                "way": "perception node, null model: subscription to published result",
                "cpu_ms": statistics.median(ours for ours, _ in pairs),
                "ratio": ratio,
            },
        ],
        goals=[f"at most {GOAL}x of the naive node: {ratio:.3f}x, {verdict}"],
    )
    print(f"{result.write()}: {result.goals[0]}")
    return 0 if ratio <= GOAL else 1


if __name__ == "__main__":
    sys.exit(main())
