"""What it costs to publish an array of 100 boxes: hand-made CDR against fresh message objects.

    python bench/publish.py

Both ways publish the same detections to the same real subscriber in another process. CPU time of this process, all
threads, per array; the two ways in turn, the ratio pair by pair, the median counts.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import rclpy
from result_file import ResultFile
from vision_msgs.msg import Detection2D, Detection2DArray, ObjectHypothesisWithPose

from trt_perception.cdr.detection_array import DetectionArrayEncoder
from trt_perception.detections import Detections

BOXES = 100
ARRAYS = 500
PAIRS = 7
GOAL = 0.1
LABELS = ("car", "truck", "bus", "pedestrian", "cyclist")

SUBSCRIBER = """
import rclpy
from rclpy.node import Node
from vision_msgs.msg import Detection2DArray
rclpy.init()
node = Node("bench_subscriber")
node.create_subscription(Detection2DArray, "detections", lambda data: None, 5, raw=True)
rclpy.spin(node)
"""


def make_detections() -> Detections:
    """A hundred plausible boxes, the same at every run."""
    random = np.random.default_rng(7)
    corners = random.uniform(0, 900, (BOXES, 2))
    boxes = np.concatenate([corners, corners + random.uniform(10, 400, (BOXES, 2))], axis=1)
    return Detections(
        boxes=boxes.astype(np.float32),
        scores=np.sort(random.uniform(0.3, 1.0, BOXES))[::-1].astype(np.float32),
        class_ids=random.integers(0, len(LABELS), BOXES).astype(np.int32),
    )


def fresh_message(detections: Detections, stamp_ns: int, frame_id: str) -> Detection2DArray:
    """The array as a node usually makes it: one new object for everything."""
    array = Detection2DArray()
    array.header.stamp.sec, array.header.stamp.nanosec = divmod(stamp_ns, 1_000_000_000)
    array.header.frame_id = frame_id
    for (x1, y1, x2, y2), score, class_id in zip(
        detections.boxes.tolist(), detections.scores.tolist(), detections.class_ids.tolist(), strict=True
    ):
        detection = Detection2D()
        detection.header = array.header
        detection.bbox.center.position.x = (x1 + x2) / 2
        detection.bbox.center.position.y = (y1 + y2) / 2
        detection.bbox.size_x = x2 - x1
        detection.bbox.size_y = y2 - y1
        hypothesis = ObjectHypothesisWithPose()
        hypothesis.hypothesis.class_id = LABELS[class_id]
        hypothesis.hypothesis.score = score
        detection.results.append(hypothesis)
        array.detections.append(detection)
    return array


def cpu_ms(action: Callable[[int], None]) -> float:
    """CPU milliseconds of one call, mean over many."""
    start = time.process_time()
    for index in range(ARRAYS):
        action(index)
    return (time.process_time() - start) / ARRAYS * 1e3


def main() -> int:
    """Measure, print, write docs/results/publish.json; 1 where the goal is missed."""
    rclpy.init()
    node = rclpy.create_node("bench_publisher")
    publisher = node.create_publisher(Detection2DArray, "detections", 5)
    detections, encoder = make_detections(), DetectionArrayEncoder(LABELS)

    def publish_fresh(index: int) -> None:
        publisher.publish(fresh_message(detections, index, "front_optical"))

    def publish_encoded(index: int) -> None:
        publisher.publish(encoder.encode(detections, stamp_ns=index, frame_id="front_optical"))

    subscriber = subprocess.Popen([sys.executable, "-c", SUBSCRIBER])
    try:
        while publisher.get_subscription_count() == 0:
            time.sleep(0.05)
        cpu_ms(publish_fresh), cpu_ms(publish_encoded)  # warm
        pairs = [(cpu_ms(publish_encoded), cpu_ms(publish_fresh)) for _ in range(PAIRS)]
    finally:
        subscriber.kill()  # it has nothing to tidy
        subscriber.wait()
        node.destroy_node()
        rclpy.shutdown()
    ratio = statistics.median(ours / fresh for ours, fresh in pairs)
    rows = [
        {"way": "fresh message objects", "cpu_ms": statistics.median(fresh for _, fresh in pairs), "ratio": 1.0},
        {"way": "hand-made CDR", "cpu_ms": statistics.median(ours for ours, _ in pairs), "ratio": ratio},
    ]
    verdict = "held" if ratio <= GOAL else "missed"
    result = ResultFile(
        name="publish",
        question=f"CPU time to publish a Detection2DArray of {BOXES} boxes, median of {PAIRS} pairs.",
        command=f"python bench/{Path(__file__).name}",
        columns={"way": "way", "cpu_ms": "CPU ms an array", "ratio": "ratio"},
        rows=rows,
        goals=[f"at most {GOAL}x of fresh message objects: {ratio:.3f}x, {verdict}"],
    )
    print(f"{result.write()}: {result.goals[0]}")
    return 0 if ratio <= GOAL else 1


if __name__ == "__main__":
    sys.exit(main())
