"""Keeps one stream busy, and times every inference on it."""

from __future__ import annotations

from collections import deque
from typing import Any

from trt_perception.runtime.engine_context import EngineContext

DEPTH = 2
"""Inferences in flight: while the thread wakes up after one, the GPU is at the next."""


class InferencePump:
    """Inferences of one context, one after another on its stream. No thread spins: `wait` sleeps.

    Args:
        context: Prepared.
    """

    def __init__(self, context: EngineContext) -> None:
        self._context = context
        gpu = context.gpu
        pairs = [(gpu.make_event(timing=True), gpu.make_event(timing=True)) for _ in range(DEPTH)]
        self._idle: deque[tuple[Any, Any]] = deque(pairs)
        self._in_flight: deque[tuple[Any, Any]] = deque()

    @property
    def is_idle(self) -> bool:
        """Whether nothing is in flight."""
        return not self._in_flight

    def fill(self) -> None:
        """Launch until DEPTH inferences are in flight.

        Raises:
            DeviceError: CUDA or TensorRT fails.
        """
        context = self._context
        while self._idle:
            start, end = self._idle.popleft()
            with context.gpu.guard("timing the engine"):
                context.stream.record(start)
                context.launch()
                context.stream.record(end)
            self._in_flight.append((start, end))

    def wait(self) -> float:
        """Wait for the oldest inference.

        Returns:
            What it took on the GPU, ms, from when the stream came to it.

        Raises:
            DeviceError: It failed.
        """
        start, end = self._in_flight.popleft()
        with self._context.gpu.guard("running the engine"):
            end.sync()
            took = float(end - start)
        self._idle.append((start, end))
        return took
