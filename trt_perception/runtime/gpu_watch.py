"""Notices that the GPU does not come back. A wait for it has no limit in CUDA, and no kernel can be broken off."""

from __future__ import annotations

import threading
from collections.abc import Callable

from trt_perception.errors import DeviceError

LIMIT_S = 2.0
"""Frames take milliseconds; a GPU shared with other processes, tenths of a second."""

_LOOKS = 20
"""How often a wait must be seen before it counts as endless."""

_waits: dict[object, str] = {}


class Watched:
    """A `with` block that waits for the GPU. Every frame has a dozen: a class takes a third of a generator's time.

    Args:
        doing: What does not end if that does not, e.g. `GPU 0: running the engine`.
    """

    __slots__ = ("_doing",)

    def __init__(self, doing: str) -> None:
        self._doing = doing

    def __enter__(self) -> None:
        _waits[self] = self._doing

    def __exit__(self, *_: object) -> None:
        del _waits[self]


class GpuWatch:
    """Looks at all waits of the process, from `start` to `stop`; costs the waits next to nothing.

    Time counts by looks of its own thread: a process that was stopped or starved meanwhile is not to blame.

    Args:
        on_stuck: Told once, in the watch's thread, which must be able to end the process: nothing else helps.
        limit_s: Longest wait.
    """

    def __init__(self, on_stuck: Callable[[DeviceError], object], *, limit_s: float = LIMIT_S) -> None:
        self._on_stuck = on_stuck
        self._limit_s = limit_s
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="GPU watch", daemon=True)

    def start(self) -> None:
        """Begin; a watch starts once."""
        self._thread.start()

    def stop(self) -> None:
        """End. Harmless when called twice."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def __enter__(self) -> GpuWatch:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _run(self) -> None:
        seen: dict[object, int] = {}
        while not self._stopping.wait(self._limit_s / _LOOKS):
            waits = dict(_waits)
            seen = {key: seen.get(key, 0) + 1 for key in waits}
            for key, looks in seen.items():
                if looks > _LOOKS:
                    self._on_stuck(_stuck(waits[key], self._limit_s))
                    return


def _stuck(doing: str, limit_s: float) -> DeviceError:
    return DeviceError(
        f"{doing} has not ended after {limit_s:g} s, and nothing on a GPU can be broken off; the process must be "
        "started again",
        is_sticky=True,
    )
