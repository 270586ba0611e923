"""The captured graphs of one pipeline: one for each slot, frame layout and place of the pixels."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any

from trt_perception.runtime.captured_work import CapturedWork
from trt_perception.runtime.gpu import Gpu

MOST_GRAPHS = 16
"""Graphs kept: two slots with the last layouts of a camera, or with the places of a ring that kernels read from."""

Work = Callable[[int], None]
"""Enqueues everything on the stream whose handle it gets."""


class FrameGraphs:
    """Launches work by key: as a graph once it was captured, and until then, or where that fails, call by call.

    The frame that brings a new key runs call by call; its graph is captured by the next `catch_up`, or, where nobody
    calls that, when the key comes again. A capture that fails is not tried again, since nothing that a frame brings
    makes an engine capturable.

    Args:
        gpu: Where it runs.
        stream: What it runs on, of cuda.core.
        graph: Whether to capture at all.
    """

    def __init__(self, gpu: Gpu, stream: Any, *, graph: bool) -> None:
        self._gpu = gpu
        self._stream = stream
        self._reason = "" if graph else "switched off"
        self._works: OrderedDict[Hashable, CapturedWork] = OrderedDict()
        self._wanted: set[Hashable] = set()  # have run call by call once

    @property
    def is_graph(self) -> bool:
        """Whether frames are launches of CUDA graphs, but for the first of a layout."""
        return any(work.is_graph for work in self._works.values())

    @property
    def note(self) -> str:
        """`CUDA graph`, or `no CUDA graph` and why."""
        return "CUDA graph" if self.is_graph else f"no CUDA graph: {self._reason or 'not captured yet'}"

    def launch(self, key: Hashable, make: Callable[[], Work]) -> bool:
        """Enqueue the work of that key; whether as a graph.

        Args:
            key: What the work's addresses and numbers follow from.
            make: Makes the work where the key is new.

        Raises:
            DeviceError: CUDA or TensorRT fails.
        """
        work = self._work(key, make)
        if key in self._wanted:
            self.catch_up()
        work.launch()
        if not work.is_graph and not self._reason:
            self._wanted.add(key)
        return work.is_graph

    def foresee(self, key: Hashable, make: Callable[[], Work]) -> None:
        """Have a graph captured by the next `catch_up` before its first frame; the like of it has run."""
        if not self._reason and key not in self._works:
            self._work(key, make)
            self._wanted.add(key)

    def catch_up(self) -> None:
        """Capture what is new. Waits for the stream where there is something to do.

        Raises:
            DeviceError: An earlier frame, or a failed capture, took the device with it.
        """
        if not self._wanted:
            return
        self._wait()  # TensorRT wants no inference of the context under way
        wanted, self._wanted = self._wanted, set()
        for key in wanted:
            work = self._works.get(key)
            if work is not None and not self._reason:
                work.capture()
                self._reason = work.reason

    def clear(self) -> None:
        """Forget all: addresses are about to change. The stream has to be idle."""
        self._wanted.clear()
        while self._works:
            self._works.popitem()[1].close()

    def _work(self, key: Hashable, make: Callable[[], Work]) -> CapturedWork:
        work = self._works.get(key)
        if work is None:
            if len(self._works) >= MOST_GRAPHS:
                self._wait()  # the oldest may be under way
                self._wanted.discard(next(iter(self._works)))
                self._works.popitem(last=False)[1].close()
            work = self._works[key] = CapturedWork(self._gpu, self._stream, make(), later=True)
        self._works.move_to_end(key)
        return work

    def _wait(self) -> None:
        with self._gpu.guard("waiting for a frame"):
            self._stream.sync()
