"""Where a camera's newest frame waits for its worker."""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")


class Slot(Generic[T]):
    """Holds one item; a newer one takes its place. One thread puts, one takes.

    `put` never waits: around a mutex, a worker that loses the interpreter lock at the wrong moment would stop the
    executor's thread, and with it all the other cameras.
    """

    def __init__(self) -> None:
        self._item: deque[T] = deque(maxlen=1)
        self._wake = threading.Lock()  # a binary semaphore: locked = nothing new
        self._wake.acquire()
        self.replaced_count = 0

    def put(self, item: T) -> T | None:
        """Make `item` the newest; returns the one that it replaced before it was taken."""
        replaced = self._pop()
        self._item.append(item)
        self.wake()
        if replaced is not None:
            self.replaced_count += 1
        return replaced

    def take(self, timeout_s: float) -> T | None:
        """The newest item as soon as there is one; None after the time, after `wake`, or now and then for nothing."""
        if not self._item and not self._wake.acquire(timeout=timeout_s):
            return None
        return self._pop()

    def wake(self) -> None:
        """Let a waiting `take` return."""
        with contextlib.suppress(RuntimeError):  # awake already
            self._wake.release()

    def _pop(self) -> T | None:
        try:
            return self._item.popleft()
        except IndexError:
            return None
