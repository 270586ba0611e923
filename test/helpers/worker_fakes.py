"""Stand-ins for what a worker uses, and image messages as CDR bytes; no ROS."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

import numpy as np

from trt_perception.cdr.image_message import encode_image
from trt_perception.frame import EncodedFrame, Frame
from trt_perception.result import Result, StageTimes


def wait_until(condition: Callable[[], bool], *, timeout_s: float = 10.0) -> None:
    """Wait for what another thread brings about; a failure names the line of the condition."""
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end, f"did not come true within {timeout_s} s"
        time.sleep(0.002)


def image_bytes(stamp_ns: int, *, width: int = 8, height: int = 4, frame_id: str = "optical") -> bytes:
    """A small bgr8 image message."""
    image = np.zeros((height, width, 3), np.uint8)
    return encode_image(stamp_ns=stamp_ns, frame_id=frame_id, encoding="bgr8", image=image)


class FakeProcessor:
    """Gives empty results; what `handler` raises or waits for happens on the way."""

    def __init__(self, handler: Callable[[Frame | EncodedFrame], object] = lambda frame: None) -> None:
        self.handler = handler
        self.seen: list[Frame | EncodedFrame] = []
        self.threads: set[str] = set()

    def process(self, frames: Sequence[Frame | EncodedFrame]) -> Result:
        self.threads.add(threading.current_thread().name)
        self.seen.append(frames[0])
        self.handler(frames[0])
        return Result(heads={}, times=StageTimes(inference_ns=1_000_000))


class FakeOutput:
    """Keeps the stamps of what is published."""

    def __init__(self, *, listeners: bool = True) -> None:
        self.listeners = listeners
        self.stamps: list[int] = []

    def has_listeners(self) -> bool:
        return self.listeners

    def publish(self, frame: Frame | EncodedFrame, result: Result) -> None:
        self.stamps.append(frame.stamp_ns)
