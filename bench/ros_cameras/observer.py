"""Listens to results as the next node in the car would, and records when which came.

    python -m bench.ros_cameras.observer --out FILE TOPIC...

Topics that end in `segmentation` are images, all others detections. Prints `listening` once it does. Runs until
SIGTERM, then writes FILE (.npz): `topic` (index), `stamp_ns` and `received_ns` of every result, and `said`, the last
/diagnostics as JSON.
"""

from __future__ import annotations

import argparse
import json
import signal
import struct
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from trt_perception.ros.malloc import tune_malloc

tune_malloc()

import rclpy  # noqa: E402
from diagnostic_msgs.msg import DiagnosticArray  # noqa: E402
from rclpy.signals import SignalHandlerOptions  # noqa: E402
from sensor_msgs.msg import Image  # noqa: E402
from vision_msgs.msg import Detection2DArray  # noqa: E402

from trt_perception.ros.executor import spin  # noqa: E402

DEPTH = 5


class Observer:
    """Keeps every result's stamp and time of arrival."""

    def __init__(self, topics: list[str]) -> None:
        self.node = rclpy.create_node("bench_observer", enable_rosout=False)
        self.results: list[tuple[int, int, int]] = []
        self.said: dict[str, Any] = {}
        for index, topic in enumerate(topics):
            kind = Image if topic.endswith("segmentation") else Detection2DArray
            self.node.create_subscription(kind, topic, self._recorder(index), DEPTH, raw=True)
        self.node.create_subscription(DiagnosticArray, "/diagnostics", self._on_diagnostics, 10)

    def _recorder(self, index: int) -> Callable[[bytes], None]:
        def record(message: bytes) -> None:
            received_ns = time.time_ns()
            seconds, nanoseconds = struct.unpack_from("<iI", message, 4)
            self.results.append((index, seconds * 1_000_000_000 + nanoseconds, received_ns))

        return record

    def _on_diagnostics(self, array: Any) -> None:
        for status in array.status:
            values = {item.key: item.value for item in status.values}
            self.said[status.name] = {"level": status.level[0], "message": status.message, **values}


def main() -> int:
    """Listen."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("topics", nargs="+", metavar="TOPIC")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    stopped = threading.Event()
    signal.signal(signal.SIGTERM, lambda number, frame: stopped.set())
    rclpy.init(args=[], signal_handler_options=SignalHandlerOptions.NO)
    observer = Observer(options.topics)
    print("listening", flush=True)
    spin(observer.node, is_stopped=stopped.is_set)
    results = np.array(observer.results, np.int64).reshape(-1, 3)
    np.savez(options.out, topic=results[:, 0], stamp_ns=results[:, 1], received_ns=results[:, 2],
             said=json.dumps(observer.said))  # fmt: skip
    observer.node.destroy_node()
    rclpy.shutdown()
    return 0


if __name__ == "__main__":
    sys.exit(main())
