"""Whether the node's memory stays flat: over 10,000 frames, and over 50 rounds of configure and cleanup.

    python bench/memory.py

Frames: six 1080p cameras at 20 Hz into the node with a null model. Rounds: a real ONNX Runtime session each time. The
slope is that of the line of least squares through the last 80 % of the samples of private memory.

In the first 20 % the node is stopped for half a second, four times: the middleware keeps one more image for a reader
that is late, and takes memory for it when that first happens. Left to chance, these steps of one image each come rarely
over hours and are taken for a leak; provoked at once, they are behind when the measuring begins.
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import rclpy
import yaml
from processes.run import finish, start
from result_file import ROOT, ResultFile

from trt_perception.model.load_spec import load_spec
from trt_perception.model.write_spec import write_spec
from trt_perception.ros.perception_node import PerceptionNode
from trt_perception.ros.private_memory import private_memory_mb

sys.path.insert(0, str(ROOT / "test"))
from helpers.tiny_onnx import make_yolox_onnx

CAMERAS = tuple(f"camera_{index}" for index in range(6))
RATE_HZ = 20
FRAMES = 10_000
ROUNDS = 50
GOAL_MB = 1.0
START_S = 9.0
STALLS = 4
STALL_S = 0.5


def slope(samples: list[float]) -> float:
    """Growth over the last 80 % of the samples, MB a sample."""
    kept = np.array(samples[len(samples) // 5 :])
    return float(np.polyfit(np.arange(len(kept)), kept, 1)[0])


def frames_slope() -> tuple[float, int]:
    """MB per 1,000 frames, and the frames that were received."""
    count = FRAMES // len(CAMERAS) + 1
    node = start("node", *CAMERAS, "--count", str(count * 2))
    senders = [
        start("camera", f"{camera}/image_raw", "--rate-hz", str(RATE_HZ), "--count", str(count)) for camera in CAMERAS
    ]
    try:
        time.sleep(START_S)
        for _ in range(STALLS):
            os.kill(node.pid, signal.SIGSTOP)
            time.sleep(STALL_S)
            os.kill(node.pid, signal.SIGCONT)
            time.sleep(STALL_S)
        for sender in senders:
            finish(sender)
        result = finish(node)
    finally:
        for process in (node, *senders):
            process.kill()
    per_sample = result["frames_per_rss"]
    return slope(result["rss_mb"]) / per_sample * 1000.0, result["all_received"]


def rounds_slope() -> float:
    """MB per round of configure and cleanup."""
    rclpy.init(args=[])
    samples = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_yolox_onnx(folder / "tiny.onnx")
        write_spec(load_spec(folder / "tiny.onnx"), folder / "tiny.yaml")
        config = {
            "backend": "onnxruntime",
            "cameras": [{"name": camera} for camera in CAMERAS],
            "models": [{"name": "tiny", "spec": "tiny.yaml"}],
            "pipelines": [{"name": "objects", "model": "tiny"}],
        }
        (folder / "perception.yaml").write_text(yaml.safe_dump(config))
        path = str(folder / "perception.yaml")
        node = PerceptionNode(parameter_overrides=[rclpy.Parameter("config", value=path)])
        for _ in range(ROUNDS):
            for transition in (
                node.trigger_configure,
                node.trigger_activate,
                node.trigger_deactivate,
                node.trigger_cleanup,
            ):
                transition()
            samples.append(private_memory_mb())
        node.destroy_node()
    rclpy.shutdown()
    return slope(samples)


def main() -> int:
    """Measure, print, write docs/results/memory.json; 1 where the goal is missed."""
    per_round = rounds_slope()
    per_thousand, frames = frames_slope()
    held = per_thousand < GOAL_MB
    result = ResultFile(
        name="memory",
        question="Growth of the node's private memory over the last 80 % of each run.",
        command="python bench/memory.py",
        columns={"run": "run", "growth_mb": "growth, MB", "per": "per"},
        rows=[
            {"run": f"{frames} frames of six 1080p cameras", "growth_mb": per_thousand, "per": "1,000 frames"},
            {
                "run": f"{ROUNDS} rounds of configure, activate, deactivate, cleanup",
                "growth_mb": per_round,
                "per": "round",
            },
        ],
        goals=[f"below {GOAL_MB} MB per 1,000 frames: {per_thousand:.3f} MB, {'held' if held else 'missed'}"],
    )
    print(f"{result.write()}: {result.goals[0]}; {per_round:.3f} MB a round")
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
