"""The perception node with a model that finds nothing, for measuring the way of an image from DDS to result.

    python bench/processes/node.py CAMERA [CAMERA ...] --count 250 [--idle-s 3] [--receivers 0] [--unheard] [--stalls]

Counts start with the first image of every camera. Ends once every camera received `count` more images, or nothing
came for `idle-s`, and prints received, processed, dropped, cpu_ms, seconds and rss_mb: `cpu_ms` is the CPU time of all
threads per received image, `rss_mb` the private memory each time 200 more images had come. `receiver_cpu_ms` and
`receiver_mb` are the same of the receiver processes: CPU time per image, private memory of each at the end. `stall_ms`,
with --stalls, are percentiles of how late a thread of the node's process was that wanted to run every millisecond.
--unheard: frames are received and judged, and not processed, since nobody listens.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import yaml

from trt_perception.ros.malloc import tune_malloc

tune_malloc()

import rclpy  # noqa: E402

from trt_perception.model.model_spec import HeadKind, HeadSpec, InputSpec, ModelSpec, OutputSpec  # noqa: E402
from trt_perception.model.write_spec import write_spec  # noqa: E402
from trt_perception.ros.executor import spin  # noqa: E402
from trt_perception.ros.perception_node import PerceptionNode  # noqa: E402
from trt_perception.ros.private_memory import private_memory_mb  # noqa: E402
from trt_perception.runtime.null_backend import NullBackend  # noqa: E402

POLL_S = 0.2
FRAMES_PER_RSS = 200


def write_config(folder: Path, cameras: list[str], *, receivers: int, always_on: bool) -> Path:
    """A config with one small YOLOX model on every camera."""
    spec = ModelSpec(
        name="null",
        model=str(folder / "null.onnx"),
        inputs=(InputSpec(name="images", shape=(1, 3, 64, 64)),),
        outputs=(OutputSpec(name="output", shape=(1, 84, 6)),),
        heads=(HeadSpec(name="detection", kind=HeadKind.YOLOX, outputs=("output",), labels=("car",)),),
    )
    (folder / "null.onnx").touch()
    write_spec(spec, folder / "null.yaml")
    config = {
        "backend": "onnxruntime",
        "ingest": {"receivers": receivers},
        "cameras": [{"name": camera} for camera in cameras],
        "models": [{"name": "null", "spec": "null.yaml"}],
        "pipelines": [{"name": "objects", "model": "null", "always_on": always_on}],
    }
    path = folder / "perception.yaml"
    path.write_text(yaml.safe_dump(config))
    return path


def make_node(config: Path) -> PerceptionNode:
    """The node with NullBackend, configured and activated by itself."""
    node = PerceptionNode(
        backend_factory=lambda request: NullBackend(request.spec),
        parameter_overrides=[
            rclpy.Parameter("config", value=str(config)),
            rclpy.Parameter("autostart", value=True),
        ],
    )
    if not node.autostart():
        raise SystemExit(f"the node did not start: {node.last_error}")
    return node


def counts(node: PerceptionNode) -> dict[str, Any]:
    """Received, processed and dropped of every camera together, and the least received of any."""
    system = node.system
    if system is None:
        raise SystemExit("the node is not configured")
    now = time.monotonic_ns()
    snapshots = [channel.snapshot(now).counters for channel in system.channels.values()]
    dropped: Counter[str] = Counter()
    for snapshot in snapshots:
        dropped.update({reason.value: count for reason, count in snapshot.dropped.items() if count})
    return {
        "received": sum(snapshot.received for snapshot in snapshots),
        "least": min(snapshot.received for snapshot in snapshots),
        "processed": sum(snapshot.processed for snapshot in snapshots),
        "dropped": dict(dropped),
    }


def receiver_pids(node: PerceptionNode) -> tuple[int, ...]:
    """Ids of the receiver processes."""
    system = node.system
    return () if system is None or system.receivers is None else system.receivers.pids


def receiver_cpu_s(node: PerceptionNode) -> float:
    """CPU seconds that the receivers have used, user and system."""
    ticks = 0
    for pid in receiver_pids(node):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


class Stalls:
    """How late a thread is that sleeps a millisecond again and again: the interpreter is held, or no core free."""

    def __init__(self, *, is_wanted: bool) -> None:
        self._is_wanted = is_wanted
        self._late_ms: list[float] = []
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        """Begin, where that is wanted."""
        if self._is_wanted:
            self._thread.start()

    def end(self) -> dict[str, float]:
        """Median, 99th percentile and largest, milliseconds."""
        if not self._is_wanted:
            return {}
        self._stopping.set()
        self._thread.join()
        late = sorted(self._late_ms)
        return {"p50": late[len(late) // 2], "p99": late[len(late) * 99 // 100], "max": late[-1]}

    def _run(self) -> None:
        while not self._stopping.is_set():
            before = time.monotonic()
            time.sleep(0.001)
            self._late_ms.append((time.monotonic() - before - 0.001) * 1e3)


def watch(
    node: PerceptionNode, count: int, idle_s: float, stalls: Stalls, result: dict[str, Any], done: threading.Event
) -> None:
    """Wait for the images in a thread of its own; leave what was measured in `result`."""
    while counts(node)["least"] == 0:
        time.sleep(POLL_S)
    stalls.start()
    first, start, cpu, receiver_cpu = counts(node), time.monotonic(), time.process_time(), receiver_cpu_s(node)
    memory: list[float] = []
    last, changed, now = first, start, first
    while now["least"] < first["least"] + count and time.monotonic() - changed < idle_s:
        time.sleep(POLL_S)
        now = counts(node)
        if now["received"] != last["received"]:
            last, changed = now, time.monotonic()
        if now["received"] - first["received"] >= len(memory) * FRAMES_PER_RSS:
            memory.append(private_memory_mb())
    received = now["received"] - first["received"]
    result.update(
        received=received,
        processed=now["processed"] - first["processed"],
        dropped=now["dropped"],
        cpu_ms=(time.process_time() - cpu) / max(received, 1) * 1e3,
        receiver_cpu_ms=(receiver_cpu_s(node) - receiver_cpu) / max(received, 1) * 1e3,
        receiver_mb=[private_memory_mb(pid) for pid in receiver_pids(node)],
        stall_ms=stalls.end(),
        seconds=changed - start,
        rss_mb=memory,
        frames_per_rss=FRAMES_PER_RSS,
        all_received=now["received"],
    )
    done.set()


def main() -> None:
    """Run the node until the images were counted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cameras", nargs="+")
    parser.add_argument("--count", type=int, default=250, help="images of every camera")
    parser.add_argument("--idle-s", type=float, default=3.0)
    parser.add_argument("--receivers", type=int, default=0, help="receiver processes; 0: the node receives")
    parser.add_argument("--unheard", action="store_true", help="receive only")
    parser.add_argument("--stalls", action="store_true", help="measure stalls, which costs CPU time itself")
    options = parser.parse_args()
    rclpy.init(args=[])
    result: dict[str, Any] = {}
    done = threading.Event()
    with tempfile.TemporaryDirectory() as folder:
        node = make_node(
            write_config(Path(folder), options.cameras, receivers=options.receivers, always_on=not options.unheard)
        )
        stalls = Stalls(is_wanted=options.stalls)
        watcher = threading.Thread(
            target=watch, args=(node, options.count, options.idle_s, stalls, result, done), daemon=True
        )
        watcher.start()
        spin(node, is_stopped=done.is_set)
        node.destroy_node()
    print(json.dumps(result), flush=True)
    rclpy.shutdown()


if __name__ == "__main__":
    main()
