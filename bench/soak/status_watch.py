"""The node's diagnostics with the time at which they came."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import Condition
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray

OK, WARN, ERROR, STALE = range(4)

NODE = "perception"


@dataclass(frozen=True)
class CameraState:
    """One status.

    Args:
        came_s: Steady time of its arrival.
        level: As of DiagnosticStatus.
        message: Its line.
        values: Its values.
    """

    came_s: float
    level: int
    message: str
    values: dict[str, str]

    def count(self, key: str) -> int:
        """A counter; 0 where it is not told."""
        return int(self.values.get(key, "0"))


class StatusWatch:
    """Keeps the last status of every camera and of the node.

    Args:
        node: The node that listens.

    Attributes:
        longest_silence_s: Longest time between two diagnostics.
    """

    def __init__(self, node: Any) -> None:
        self.longest_silence_s = 0.0
        self._came_s = 0.0
        self._last: dict[str, CameraState] = {}
        self._changed = Condition()
        self._subscription = node.create_subscription(DiagnosticArray, "/diagnostics", self._take, 50)

    def next(self, name: str, *, timeout_s: float = 5.0) -> CameraState:
        """The next status of a camera, or of `node`.

        Raises:
            TimeoutError: There was none.
        """
        state = self.wait_for(name, lambda state: True, since_s=time.monotonic(), timeout_s=timeout_s)
        if state is None:
            raise TimeoutError(f"no diagnostics of {name} for {timeout_s} s")
        return state

    def wait_for(
        self, name: str, holds: Callable[[CameraState], bool], *, since_s: float, timeout_s: float
    ) -> CameraState | None:
        """The last status, once it came after a moment and `holds`; None: it does not."""
        end = time.monotonic() + timeout_s
        with self._changed:
            while True:
                state = self._last.get(name)
                if state is not None and state.came_s > since_s and holds(state):
                    return state
                left = end - time.monotonic()
                if left <= 0:
                    return None
                self._changed.wait(left)

    def _take(self, message: Any) -> None:
        came_s = time.monotonic()
        with self._changed:
            if self._came_s:
                self.longest_silence_s = max(self.longest_silence_s, came_s - self._came_s)
            self._came_s = came_s
            for status in message.status:
                node, _, name = status.name.partition(": ")
                if node == NODE:
                    values = {value.key: value.value for value in status.values}
                    self._last[name] = CameraState(came_s, status.level[0], status.message, values)
            self._changed.notify_all()
