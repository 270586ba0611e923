"""What masks cost to decode and to publish, at the camera's size and at the network's, six cameras at 30 Hz.

    python bench/masks.py

The demo model's head: logits of 3 classes at 240 x 136 for cameras of 1920 x 1080. One process publishes, as the node
does, and another takes all six topics; what counts is processor time, not time on the clock, so that other work on the
machine matters little. Decoding is that of the reference on the CPU. The sizes in turn, the median of the runs counts.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from result_file import ROOT, ResultFile

CAMERAS = 6
HZ = 30.0
SECONDS = 8.0
RUNS = 5
WIDTH, HEIGHT = 1920, 1080
LIMIT = 0.1
"""Most of one core that the masks of one camera may take where the larger size is the default."""

LISTENER = """
import json, sys, time
import rclpy
from rclpy.qos import QoSProfile
from sensor_msgs.msg import Image
from trt_perception.cdr.header_bytes import read_stamp_ns
from trt_perception.ros.malloc import tune_malloc

tune_malloc()
rclpy.init()
node = rclpy.create_node("bench_mask_listener")
delays = []
for index in range(int(sys.argv[1])):
    node.create_subscription(
        Image, f"camera_{index}/segmentation", lambda data: delays.append(time.time_ns() - read_stamp_ns(data)),
        QoSProfile(depth=5), raw=True,
    )
print("ready", flush=True)
began = time.process_time()
silent_since, count = time.monotonic(), 0
while time.monotonic() - silent_since < 1.5:
    rclpy.spin_once(node, timeout_sec=0.1)
    if len(delays) == 0 or len(delays) != count:
        silent_since, count = time.monotonic(), len(delays)
print(json.dumps({"cpu_s": time.process_time() - began, "count": len(delays), "delays_ms": [d / 1e6 for d in delays]}))
"""


def decoders() -> dict[str, Callable[[], NDArray[np.uint8]]]:
    """Makes the mask of one frame, by size."""
    from trt_perception.decode.make_decoder import make_decoder
    from trt_perception.model.model_spec import HeadKind, HeadSpec, InputSpec, MaskSize, ModelSpec, OutputSpec
    from trt_perception.preprocess.image_transform import ImageTransform
    from trt_perception.thresholds import Thresholds

    logits = np.random.default_rng(0).normal(0, 1, (1, 3, 136, 240)).astype(np.float32)
    found: dict[str, Callable[[], NDArray[np.uint8]]] = {}
    for size in MaskSize:
        head = HeadSpec(
            name="road",
            kind=HeadKind.SEMANTIC_LOGITS,
            outputs=("logits",),
            labels=("other", "drivable", "lane"),
            mask_size=size,
        )
        spec = ModelSpec(
            name="road",
            model="road.onnx",
            inputs=(InputSpec(name="images", shape=(1, 3, 544, 960)),),
            outputs=(OutputSpec(name="logits", shape=logits.shape),),
            heads=(head,),
        )
        decoder = make_decoder(head, spec)
        transform = ImageTransform.of(WIDTH, HEIGHT, spec.inputs[0])
        found[size.value] = lambda decoder=decoder, transform=transform: (
            decoder.decode({"logits": logits}, transform, Thresholds()).class_ids
        )
    return found


def publish(mask: NDArray[np.uint8]) -> dict[str, Any]:
    """One run: processor time of both sides for each mask, and how long the masks took."""
    import rclpy
    from sensor_msgs.msg import Image

    from trt_perception.cdr.image_message import encode_image
    from trt_perception.ros.quality_of_service import result_profile

    node = rclpy.create_node("bench_masks")
    publishers = [node.create_publisher(Image, f"camera_{i}/segmentation", result_profile()) for i in range(CAMERAS)]
    listener = subprocess.Popen([sys.executable, "-c", LISTENER, str(CAMERAS)], stdout=subprocess.PIPE, text=True)
    try:
        assert listener.stdout is not None
        assert listener.stdout.readline() == "ready\n"
        while any(publisher.get_subscription_count() == 0 for publisher in publishers):
            time.sleep(0.05)
        time.sleep(0.5)
        count = round(SECONDS * HZ)
        spent, due = 0.0, time.monotonic()
        for _ in range(count):
            for publisher in publishers:
                due += 1.0 / HZ / CAMERAS
                time.sleep(max(0.0, due - time.monotonic()))
                began = time.process_time()
                publisher.publish(encode_image(mask, stamp_ns=time.time_ns(), frame_id="optical", encoding="mono8"))
                spent += time.process_time() - began
        heard = json.loads(listener.stdout.readline())
    finally:
        listener.kill()
        listener.wait()
        node.destroy_node()
    sent = count * CAMERAS
    return {
        "publish_ms": spent / sent * 1e3,
        "hear_ms": heard["cpu_s"] / max(1, heard["count"]) * 1e3,
        "lost": 1.0 - heard["count"] / sent,
        "delay_p99_ms": float(np.percentile(heard["delays_ms"], 99)),
    }


def decode_ms(decode: Callable[[], NDArray[np.uint8]], *, times: int = 60) -> float:
    """Processor milliseconds of one mask."""
    decode()
    began = time.process_time()
    for _ in range(times):
        decode()
    return (time.process_time() - began) / times * 1e3


def measure() -> list[dict[str, Any]]:
    """One row a size, the median of the runs."""
    makers = decoders()
    masks = {size: make() for size, make in makers.items()}
    runs: dict[str, list[dict[str, Any]]] = {size: [] for size in makers}
    for _ in range(RUNS):
        for size, make in makers.items():
            runs[size].append({"decode_ms": decode_ms(make), **publish(masks[size])})
    rows = []
    for size, got in runs.items():
        row = {key: statistics.median(one[key] for one in got) for key in got[0]}
        height, width = masks[size].shape
        rows.append(
            {
                "size": f"{size}: {width} x {height}",
                **row,
                "share": row["publish_ms"] * HZ / 10,
                "lost": row["lost"] * 100,
            }
        )
    return rows


def main() -> int:
    """Measure, print, write docs/results/masks.json; 1 where the goal is missed."""
    os.environ.setdefault("FASTDDS_DEFAULT_PROFILES_FILE", str(ROOT / "config" / "fastdds_large_segment.xml"))
    import rclpy

    from trt_perception.ros.malloc import tune_malloc

    tune_malloc()
    rclpy.init()
    rows = measure()
    rclpy.shutdown()
    camera, network = rows
    ratio = camera["publish_ms"] / network["publish_ms"]
    held = camera["share"] <= LIMIT * 100
    result = ResultFile(
        name="masks",
        question=f"Masks of {CAMERAS} cameras at {HZ:g} Hz; processor time of one mask, median of {RUNS} runs.",
        command=f"python bench/{Path(__file__).name}",
        columns={
            "size": "mask_size",
            "publish_ms": "publishing, CPU ms",
            "share": "of one core, % a camera",
            "hear_ms": "in a subscriber, CPU ms",
            "lost": "lost, %",
            "delay_p99_ms": "until it is heard, ms at the 99th percentile",
            "decode_ms": "decoding on the CPU, CPU ms",
        },
        rows=rows,
        goals=[
            f"publishing at the camera's size takes {ratio:.0f} times what the network's size takes",
            f"at most {LIMIT:.0%} of one core a camera, or the network's size is the default: "
            f"{camera['share']:.1f} %, {'held' if held else 'missed'}",
        ],
    )
    print(f"{result.write()}: " + "; ".join(result.goals))
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
