"""The perception node with a model that finds nothing, for measuring the way of an image from DDS to result.

    python bench/processes/node.py CAMERA [CAMERA ...] --count 250 [--idle-s 3]

Counts start with the first image of every camera. Ends once every camera received `count` more images, or nothing
came for `idle-s`, and prints received, processed, dropped, cpu_ms, seconds and rss_mb: `cpu_ms` is the CPU time of all
threads per received image, `rss_mb` the private memory each time 200 more images had come.
"""

from __future__ import annotations

import argparse
import json
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


def write_config(folder: Path, cameras: list[str]) -> Path:
    """A config with one small YOLOX model on every camera, always on."""
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
        "cameras": [{"name": camera} for camera in cameras],
        "models": [{"name": "null", "spec": "null.yaml"}],
        "pipelines": [{"name": "objects", "model": "null", "always_on": True}],
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


def watch(node: PerceptionNode, count: int, idle_s: float, result: dict[str, Any], done: threading.Event) -> None:
    """Wait for the images in a thread of its own; leave what was measured in `result`."""
    while counts(node)["least"] == 0:
        time.sleep(POLL_S)
    first, start, cpu = counts(node), time.monotonic(), time.process_time()
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
    options = parser.parse_args()
    rclpy.init(args=[])
    result: dict[str, Any] = {}
    done = threading.Event()
    with tempfile.TemporaryDirectory() as folder:
        node = make_node(write_config(Path(folder), options.cameras))
        watcher = threading.Thread(target=watch, args=(node, options.count, options.idle_s, result, done), daemon=True)
        watcher.start()
        spin(node, is_stopped=done.is_set)
        node.destroy_node()
    print(json.dumps(result), flush=True)
    rclpy.shutdown()


if __name__ == "__main__":
    main()
