"""Whether the node keeps up with six 1080p cameras at 30 Hz when the model costs nothing.

    python bench/slots.py

Six publisher processes, one node with a null model, five runs. "Replaced" are frames that the node received and
overwrote with a newer one before a worker took them; "lost" were sent and never received, which is the middleware's.
"""

from __future__ import annotations

import statistics
import sys
from typing import Any

from processes.run import finish, start
from result_file import ResultFile

CAMERAS = tuple(f"camera_{index}" for index in range(6))
RUNS = 5
RATE_HZ = 30
IMAGES = 450
GOAL_PERCENT = 0.1


def run_once() -> dict[str, Any]:
    """One run: what was sent, received and replaced."""
    node = start("node", *CAMERAS, "--count", str(IMAGES * 2))  # ends when the senders do
    senders = [
        start("camera", f"{camera}/image_raw", "--rate-hz", str(RATE_HZ), "--count", str(IMAGES)) for camera in CAMERAS
    ]
    try:
        sent = [finish(sender) for sender in senders]
        result = finish(node)
    finally:
        for process in (node, *senders):
            process.kill()
    total = sum(sender["sent"] for sender in sent)
    replaced = result["dropped"].get("replaced", 0)
    return {
        "sent": total,
        "sent_late": sum(sender["late"] for sender in sent),
        "received": result["all_received"],
        "replaced": replaced,
        "replaced_percent": 100.0 * replaced / result["all_received"],
        "lost_percent": 100.0 * (total - result["all_received"]) / total,
        "cpu_ms": result["cpu_ms"],
    }


def main() -> int:
    """Measure, print, write docs/results/slots.json; 1 where the goal is missed."""
    rows = []
    for number in range(1, RUNS + 1):
        rows.append({"run": number, **run_once()})
        print(rows[-1], flush=True)
    replaced = statistics.median(row["replaced_percent"] for row in rows)
    verdict = "held" if replaced <= GOAL_PERCENT else "missed"
    result = ResultFile(
        name="slots",
        question=f"Six 1080p bgr8 cameras at {RATE_HZ} Hz into the node with a null model, {RUNS} runs.",
        command="python bench/slots.py",
        columns={
            "run": "run",
            "sent": "sent",
            "sent_late": "of these sent late",
            "received": "received",
            "replaced": "replaced",
            "replaced_percent": "replaced %",
            "lost_percent": "lost before the node %",
            "cpu_ms": "CPU ms an image",
        },
        rows=rows,
        goals=[f"at most {GOAL_PERCENT} % replaced, median: {replaced:.3f} %, {verdict}"],
    )
    print(f"{result.write()}: {result.goals[0]}")
    return 0 if replaced <= GOAL_PERCENT else 1


if __name__ == "__main__":
    sys.exit(main())
