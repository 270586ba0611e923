"""A camera driver for the benches: publishes one image on one topic at a fixed rate.

    python bench/processes/camera.py TOPIC [--rate-hz 30] [--count 300] [--width 1920] [--height 1080]

Waits for a subscriber, sends `count` images with the times of sending as stamps, prints {"sent": n, "late": n} and
ends. `late` counts the images that could not be sent within one period of their time: a sender that is itself too
slow must be seen as such.
"""

from __future__ import annotations

import argparse
import json
import struct
import sys
import time
from pathlib import Path

import numpy as np
import rclpy
from numpy.typing import NDArray
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CompressedImage, Image

from trt_perception.cdr.compressed_image_message import encode_compressed_image
from trt_perception.cdr.image_message import encode_image
from trt_perception.ros.malloc import tune_malloc

JPEG_QUALITY = 90


def encode(options: argparse.Namespace) -> bytearray:
    """The message, with a stamp of zero."""
    pixels = picture(options)
    if not options.jpeg:
        return bytearray(encode_image(stamp_ns=0, frame_id="camera_optical", encoding="bgr8", image=pixels))
    import cv2

    data = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1]
    return bytearray(encode_compressed_image(data, stamp_ns=0, frame_id="camera_optical", format="jpeg"))


def picture(options: argparse.Namespace) -> NDArray[np.uint8]:
    """The file's, or noise: uint8 (h, w, 3)."""
    if options.picture is not None:
        pixels: NDArray[np.uint8] = np.load(options.picture)
        return pixels
    return np.random.default_rng(1).integers(0, 256, (options.height, options.width, 3), np.uint8)


def main() -> None:
    """Send the images."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("topic")
    parser.add_argument("--rate-hz", type=float, default=30.0)
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--width", type=int, default=1920)
    parser.add_argument("--height", type=int, default=1080)
    parser.add_argument("--picture", type=Path, help="a .npy of uint8 (h, w, 3), BGR, instead of noise")
    parser.add_argument("--jpeg", action="store_true", help="send it compressed")
    parser.add_argument(
        "--ask", action="store_true", help="say `ready`, then read when to start, of the steady clock, s"
    )
    parser.add_argument("--stamps", type=Path, help="a .npy to write with the stamps of what was sent, ns")
    parser.add_argument("--wait-s", type=float, default=60.0, help="longest wait for a subscriber")
    options = parser.parse_args()
    tune_malloc()  # a sender that waits for page faults would be measured, too
    rclpy.init()
    node = rclpy.create_node("bench_camera_" + options.topic.strip("/").replace("/", "_"), enable_rosout=False)
    publisher = node.create_publisher(
        CompressedImage if options.jpeg else Image,
        options.topic,
        QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT),
    )
    message = encode(options)
    end = time.monotonic() + options.wait_s
    while publisher.get_subscription_count() == 0:
        if time.monotonic() > end:
            raise SystemExit(f"{options.topic}: no subscriber within {options.wait_s} s")
        time.sleep(0.05)
    time.sleep(1.0)  # discovery is mutual: the subscriber must know us too
    start = time.monotonic()
    if options.ask:
        print("ready", flush=True)
        start = float(sys.stdin.readline())
    period, late = 1.0 / options.rate_hz, 0
    stamps = []
    for index in range(options.count):
        due = start + index * period
        time.sleep(max(0.0, due - time.monotonic()))
        late += time.monotonic() - due > period
        stamps.append(time.time_ns())
        struct.pack_into("<iI", message, 4, *divmod(stamps[-1], 1_000_000_000))
        publisher.publish(bytes(message))
    if options.stamps is not None:
        np.save(options.stamps, np.array(stamps, np.int64))
    print(json.dumps({"sent": options.count, "late": late}), flush=True)
    time.sleep(0.5)
    node.destroy_node()
    rclpy.shutdown()


if __name__ == "__main__":
    main()
