"""A camera driver for tests and benches, as a process of its own: publishes one image again and again with new stamps.

Run it as a script. Every message that was handed to the middleware is a line of the ledger:
``{"camera": ..., "stamp_ns": ...}``. It waits for a subscriber, sends, waits a moment for the last message to arrive,
and ends. The large shared-memory segment is the sender's: set FASTDDS_DEFAULT_PROFILES_FILE.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import struct
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_STAMP = struct.Struct("<iI")
_STAMP_OFFSET = 4  # behind the encapsulation of a message that begins with a Header


@dataclass(frozen=True, kw_only=True)
class CameraSender:
    """What is sent.

    Args:
        camera: Name of the camera, for the ledger.
        topic: Full topic.
        ledger: File for the stamps.
        image: Image file; None for noise of `size`.
        compressed: Whether the file's bytes are sent as they are, instead of bgr8 pixels.
        frame_id: The header's frame_id.
        hz: Messages a second.
        count: How many.
        size: Width and height of the noise.
        reliable: Whether the publisher is reliable.
        timeout_s: Longest wait for a subscriber.
    """

    camera: str
    topic: str
    ledger: Path
    image: Path | None = None
    compressed: bool = False
    frame_id: str = "camera_optical"
    hz: float = 10.0
    count: int = 10
    size: tuple[int, int] = (1920, 1080)
    reliable: bool = True
    timeout_s: float = 60.0

    def start(self) -> subprocess.Popen[bytes]:
        """Start the process."""
        arguments = [
            *("--camera", self.camera, "--topic", self.topic, "--ledger", str(self.ledger)),
            *("--frame-id", self.frame_id, "--hz", str(self.hz), "--count", str(self.count)),
            *("--size", str(self.size[0]), str(self.size[1]), "--timeout", str(self.timeout_s)),
            *(["--image", str(self.image)] if self.image else []),
            *(["--compressed"] if self.compressed else []),
            *([] if self.reliable else ["--best-effort"]),
        ]
        return subprocess.Popen([sys.executable, __file__, *arguments], env=os.environ.copy())

    def sent_stamps(self) -> list[int]:
        """The ledger: stamps in the order in which they were sent."""
        return [json.loads(line)["stamp_ns"] for line in self.ledger.read_text().splitlines()]


def _template(sender: CameraSender) -> bytes:
    """The message with a stamp of zero, made by ROS itself."""
    import cv2
    import numpy as np
    from rclpy.serialization import serialize_message
    from sensor_msgs.msg import CompressedImage, Image

    width, height = sender.size
    if sender.image is None:
        pixels = np.random.default_rng(0).integers(0, 255, (height, width, 3), np.uint8)
        data = bytes(cv2.imencode(".jpg", cv2.blur(pixels, (9, 9)))[1]) if sender.compressed else b""
    else:
        data = sender.image.read_bytes()
        pixels = np.asarray(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR), np.uint8)
    if sender.compressed:
        message = CompressedImage(format="jpeg", data=data)
    else:
        height, width = pixels.shape[:2]
        message = Image(height=height, width=width, encoding="bgr8", step=3 * width)
        message.data.frombytes(pixels.tobytes())
    message.header.frame_id = sender.frame_id
    return bytes(serialize_message(message))


def send(sender: CameraSender) -> None:
    """Publish it all."""
    import rclpy
    from rclpy.qos import QoSProfile, ReliabilityPolicy
    from sensor_msgs.msg import CompressedImage, Image

    from trt_perception.ros.malloc import tune_malloc

    tune_malloc()
    message = bytearray(_template(sender))
    rclpy.init()
    node = rclpy.create_node(f"sender_{sender.camera}", enable_rosout=False, start_parameter_services=False)
    reliability = ReliabilityPolicy.RELIABLE if sender.reliable else ReliabilityPolicy.BEST_EFFORT
    publisher = node.create_publisher(
        CompressedImage if sender.compressed else Image, sender.topic, QoSProfile(depth=5, reliability=reliability)
    )
    end = time.monotonic() + sender.timeout_s
    while publisher.get_subscription_count() == 0:
        if time.monotonic() > end:
            raise SystemExit(f"{sender.camera}: nobody subscribed to {sender.topic} within {sender.timeout_s} s")
        time.sleep(0.02)
    time.sleep(0.2)  # until the subscriber knows of us, too
    period = 1.0 / sender.hz
    due = time.monotonic()
    # Line by line: a sender may be killed, and what it sent until then stands in the ledger.
    with open(sender.ledger, "w", encoding="utf-8", buffering=1) as ledger:
        for _ in range(sender.count):
            stamp_ns = time.time_ns()
            _STAMP.pack_into(message, _STAMP_OFFSET, *divmod(stamp_ns, 1_000_000_000))
            ledger.write(json.dumps({"camera": sender.camera, "stamp_ns": stamp_ns}) + "\n")
            publisher.publish(bytes(message))
            # A camera that was held up does not catch up in a burst: it goes on with the next of its ticks.
            due += period * max(1, math.ceil((time.monotonic() - due) / period))
            time.sleep(max(0.0, due - time.monotonic()))
    time.sleep(0.5)  # the segment goes with the process, and what is still in it
    node.destroy_node()
    rclpy.try_shutdown()


def _parse(arguments: Sequence[str] | None = None) -> CameraSender:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--camera", required=True)
    parser.add_argument("--topic", required=True)
    parser.add_argument("--ledger", type=Path, required=True)
    parser.add_argument("--image", type=Path)
    parser.add_argument("--compressed", action="store_true")
    parser.add_argument("--frame-id", default="camera_optical")
    parser.add_argument("--hz", type=float, default=10.0)
    parser.add_argument("--count", type=int, default=10)
    parser.add_argument("--size", type=int, nargs=2, default=(1920, 1080), metavar=("WIDTH", "HEIGHT"))
    parser.add_argument("--best-effort", dest="reliable", action="store_false")
    parser.add_argument("--timeout", dest="timeout_s", type=float, default=60.0)
    options = vars(parser.parse_args(arguments))
    options["size"] = tuple(options["size"])
    return CameraSender(**options)


if __name__ == "__main__":
    send(_parse())
