"""Says what goes wrong without flooding the log: the first time at once, then a summary."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

PERIOD_NS = 10_000_000_000
"""Time between two lines about the same thing."""


@dataclass
class _Topic:
    said_ns: int
    count: int = 0
    last: str = ""


class FaultLog:
    """Rate-limited warnings, one limit for each camera and kind of fault. Thread-safe; memory is bounded by the kinds.

    Args:
        warn: Takes one line.
    """

    def __init__(self, warn: Callable[[str], object]) -> None:
        self._warn = warn
        self._lock = threading.Lock()
        self._topics: dict[tuple[str, str], _Topic] = {}

    def report(self, camera: str, kind: str, text: str, *, now_ns: int) -> None:
        """Say `text` now, or count it for the next summary."""
        with self._lock:
            topic = self._topics.get((camera, kind))
            if topic is not None:
                topic.count += 1
                topic.last = text
                return
            self._topics[camera, kind] = _Topic(said_ns=now_ns)
        self._warn(f"camera {camera}: {text}")

    def flush(self, now_ns: int) -> None:
        """Say the summaries that are due; call it about once a second."""
        lines = []
        with self._lock:
            for (camera, kind), topic in list(self._topics.items()):
                if now_ns - topic.said_ns < PERIOD_NS:
                    continue
                if topic.count == 0:
                    del self._topics[camera, kind]  # quiet again: the next one is a first one
                    continue
                seconds = (now_ns - topic.said_ns) / 1e9
                lines.append(f"camera {camera}: {kind} {topic.count} more times in {seconds:.0f} s; last: {topic.last}")
                self._topics[camera, kind] = _Topic(said_ns=now_ns)
        for line in lines:
            self._warn(line)
