"""Stand-ins for what a worker uses, and image messages as CDR bytes; no ROS."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

import numpy as np

from trt_perception.cdr.image_message import encode_image
from trt_perception.frame import EncodedFrame, Frame
from trt_perception.result import Result, StageTimes
from trt_perception.runtime.ticket import Ticket


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


class FakeTwoPhase(FakeProcessor):
    """Works ahead as a GPU does: writes down what is asked of it, under its name.

    Args:
        name: Its name in `calls`.
        calls: Shared by the pipelines of a camera.
        fails: What `start`, `result` or `catch_up` raises.
    """

    def __init__(self, name: str, calls: list[str], *, fails: dict[str, BaseException] | None = None) -> None:
        super().__init__()
        self._name = name
        self._calls = calls
        self._fails = fails or {}

    def start(self, frames: Sequence[Frame | EncodedFrame]) -> Ticket:
        self._note("start")
        self.seen.append(frames[0])
        return Ticket(self._finish)

    def catch_up(self) -> None:
        self._note("catch_up")

    def _finish(self) -> Result:
        self._note("result")
        return Result(heads={}, image_size=(8, 4))

    def _note(self, what: str) -> None:
        self._calls.append(f"{self._name}.{what}")
        if what in self._fails:
            raise self._fails[what]
