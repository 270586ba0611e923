"""What one camera was answered, as it comes."""

from __future__ import annotations

import time
from threading import Condition
from typing import Any

from rclpy.qos import QoSProfile
from vision_msgs.msg import Detection2DArray

from bench.soak.picture import FRAME_ID, Answer, read_answer


class Answers:
    """Listens to a camera's detections.

    Args:
        node: The node that listens.
        camera: Name of the camera.

    Attributes:
        got: Stamp and answer, in the order in which they came.
        strange: Answers under another header than their image's.
    """

    def __init__(self, node: Any, camera: str) -> None:
        self.got: list[tuple[int, Answer]] = []
        self.strange: list[str] = []
        self._last_s = 0.0
        self._changed = Condition()
        self.subscription = node.create_subscription(
            Detection2DArray, f"/{camera}/detections", self._take, QoSProfile(depth=100), raw=True
        )

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self.got)

    def wait_for(self, stamps: set[int], start: int, timeout_s: float) -> float | None:
        """When the first answer to one of these stamps came, behind the first `start` answers; None: it did not."""
        end = time.monotonic() + timeout_s
        with self._changed:
            while True:
                if any(stamp in stamps for stamp, _ in self.got[start:]):
                    return self._last_s
                left = end - time.monotonic()
                if left <= 0 or not self._changed.wait(left):
                    return None

    def _take(self, data: bytes) -> None:
        stamp_ns, frame_id, answer = read_answer(data)
        with self._changed:
            self.got.append((stamp_ns, answer))
            if frame_id != FRAME_ID:
                self.strange.append(f"{stamp_ns}: {frame_id}")
            self._last_s = time.monotonic()
            self._changed.notify_all()
