"""A camera driver for the benches: publishes one raw image on one topic at a fixed rate.

    python bench/processes/camera.py TOPIC [--rate-hz 30] [--count 300] [--width 1920] [--height 1080]

Waits for a subscriber, sends `count` images with the times of sending as stamps, prints {"sent": n, "late": n} and
ends. `late` counts the images that could not be sent within one period of their time: a sender that is itself too
slow must be seen as such.
"""

from __future__ import annotations

import argparse
import json
import struct
import time

import numpy as np
import rclpy
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import Image

from trt_perception.cdr.image_message import encode_image


def main() -> None:
    """Send the images."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("topic")
    parser.add_argument("--rate-hz", type=float, default=30.0)
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--width", type=int, default=1920)
    parser.add_argument("--height", type=int, default=1080)
    parser.add_argument("--wait-s", type=float, default=60.0, help="longest wait for a subscriber")
    options = parser.parse_args()
    rclpy.init()
    node = rclpy.create_node("bench_camera_" + options.topic.strip("/").replace("/", "_"), enable_rosout=False)
    publisher = node.create_publisher(
        Image, options.topic, QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
    )
    pixels = np.random.default_rng(1).integers(0, 256, (options.height, options.width, 3), np.uint8)
    message = bytearray(encode_image(stamp_ns=0, frame_id="camera_optical", encoding="bgr8", image=pixels))
    end = time.monotonic() + options.wait_s
    while publisher.get_subscription_count() == 0:
        if time.monotonic() > end:
            raise SystemExit(f"{options.topic}: no subscriber within {options.wait_s} s")
        time.sleep(0.05)
    time.sleep(1.0)  # discovery is mutual: the subscriber must know us too
    period = 1.0 / options.rate_hz
    start, late = time.monotonic(), 0
    for index in range(options.count):
        due = start + index * period
        time.sleep(max(0.0, due - time.monotonic()))
        late += time.monotonic() - due > period
        struct.pack_into("<iI", message, 4, *divmod(time.time_ns(), 1_000_000_000))
        publisher.publish(bytes(message))
    print(json.dumps({"sent": options.count, "late": late}), flush=True)
    time.sleep(0.5)
    node.destroy_node()
    rclpy.shutdown()


if __name__ == "__main__":
    main()
