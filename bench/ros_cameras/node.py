"""The perception node as it is, with a record of every frame's age at publish.

    python -m bench.ros_cameras.node CONFIG --record FILE [--null]

Runs until SIGTERM. At SIGUSR1 it writes FILE (.npz): `published_ns` on the steady clock and `age_ns` of every processed
frame, and `counters` as JSON by camera. With --null the models find nothing at once, for rehearsals without a GPU.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from trt_perception.ros.malloc import tune_malloc

tune_malloc()

from trt_perception.ros import main as node_main  # noqa: E402
from trt_perception.ros import model_pool, perception_system  # noqa: E402
from trt_perception.ros.counters import CameraCounters  # noqa: E402
from trt_perception.runtime.null_backend import NullBackend  # noqa: E402


class RecordingCounters(CameraCounters):
    """Counts as always, and keeps every age: diagnostics show only percentiles of the last seconds."""

    made: list[RecordingCounters] = []  # noqa: RUF012 (the process has one node)

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.ages: list[tuple[int, int]] = []
        self.made.append(self)

    def add_processed(self, now_ns: int, *, latency_ns: int, age_ns: int | None) -> None:
        """A frame's results are published."""
        super().add_processed(now_ns, latency_ns=latency_ns, age_ns=age_ns)
        self.ages.append((now_ns, -1 if age_ns is None else age_ns))

    def to_plain(self) -> dict[str, Any]:
        """The last snapshot."""
        now = self.snapshot(time.monotonic_ns())
        return {
            "received": now.received,
            "processed": now.processed,
            "dropped": {reason.value: count for reason, count in now.dropped.items()},
            "latency_p50_ms": now.latency_p50_ms,
            "latency_p99_ms": now.latency_p99_ms,
            "inference_p50_ms": {name: lane.inference_p50_ms for name, lane in now.lanes.items()},
        }


def main() -> int:
    """Run the node."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config", type=Path)
    parser.add_argument("--record", type=Path, required=True)
    parser.add_argument("--drop-log", type=Path, required=True)
    parser.add_argument("--null", action="store_true")
    options = parser.parse_args()
    vars(perception_system)["CameraCounters"] = RecordingCounters
    if options.null:
        vars(model_pool)["make_backend"] = lambda kind, spec, **others: NullBackend(spec)
    arguments = ["--ros-args"]
    for name, value in (("config", options.config), ("autostart", "true"), ("drop_log", options.drop_log)):
        arguments += ["-p", f"{name}:={value}"]
    signal.signal(signal.SIGUSR1, lambda number, frame: write_record(options.record))
    return node_main.main(arguments)


def write_record(path: Path) -> None:
    """Write everything so far, whole or not at all."""
    made = RecordingCounters.made
    ages = np.array([pair for counters in made for pair in list(counters.ages)], np.int64).reshape(-1, 2)
    counters = json.dumps([counters.to_plain() for counters in made])
    temporary = path.with_suffix(".tmp.npz")
    np.savez(temporary, published_ns=ages[:, 0], age_ns=ages[:, 1], counters=counters)
    temporary.rename(path)


if __name__ == "__main__":
    sys.exit(main())
