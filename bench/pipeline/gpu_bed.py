"""The GPU: engines of one folder, each opened once, through the package's own runtime."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from bench.pipeline.bed import Pump, Runner
from bench.pipeline.frame_work import FrameWork
from bench.pipeline.identity import identity
from bench.pipeline.picture import picture_frame
from trt_perception.frame import Frame
from trt_perception.runtime.bench_engine import shapes_of
from trt_perception.runtime.engine_context import EngineContext
from trt_perception.runtime.gpu import Gpu
from trt_perception.runtime.gpu_pipeline import GpuPipeline
from trt_perception.runtime.inference_pump import InferencePump
from trt_perception.runtime.open_engine import OpenedEngine, open_engine

ALLOCATING = ("allocate", "allocate_pinned", "free", "register", "make_stream", "make_event", "load_kernel")
"""Methods of Gpu that take or give back something."""


HIGHEST_RANK = 99
"""Above what any GPU tells apart."""


class GpuBed:
    """Engines are opened when they are first asked for, and stay open.

    Args:
        folder: Where they lie, each with its manifest.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._opened: dict[str, OpenedEngine] = {}
        self._pinned: list[Any] = []

    def identity(self) -> dict[str, str]:
        """GPU, driver and TensorRT that are here."""
        return identity()

    def has(self, engine: str) -> bool:
        """Whether its file is there."""
        return self._path(engine).exists()

    def frame(self, camera: str, *, pinned: bool) -> Frame:
        """The picture; pinned memory stays until the process ends."""
        frame = replace(picture_frame(), camera=camera)
        if not pinned:
            return replace(frame, data=frame.data.copy())
        gpu = self._gpu
        memory = gpu.allocate_pinned(frame.data.nbytes)
        self._pinned.append(memory)
        array = gpu.array(memory, shape=frame.data.shape, dtype=np.dtype(np.uint8))
        np.copyto(array, frame.data)
        return replace(frame, data=array)

    @contextmanager
    def stages(self, engine: str) -> Iterator[Mapping[str, Pump]]:
        """All of STAGES."""
        work = FrameWork(self._open(engine), self.frame("front", pinned=False))
        try:
            parts = {name: work.pump(name) for name in work.works()}
            uploads = {
                "upload": work.upload_pump(self.frame("front", pinned=False)),
                "upload from pinned memory": work.upload_pump(self.frame("front", pinned=True)),
            }
            yield {**uploads, **parts}
        finally:
            work.close()

    @contextmanager
    def engines_alone(self, engine: str, count: int) -> Iterator[Sequence[Pump]]:
        """One context a stream, as the verb `bench` has it."""
        opened = self._open(engine)
        with ExitStack() as stack:
            pumps = []
            for _ in range(count):
                context = EngineContext(opened.engine, shapes=shapes_of(opened, 1))
                stack.callback(context.close)
                context.prepare()
                pumps.append(InferencePump(context))
            yield pumps

    @contextmanager
    def graphs(self, engine: str, count: int) -> Iterator[Sequence[Pump]]:
        """One FrameWork a stream."""
        with ExitStack() as stack:
            pumps = []
            for _ in range(count):
                work = FrameWork(self._open(engine), self.frame("front", pinned=False))
                stack.callback(work.close)
                pumps.append(work.pump("whole"))
            yield pumps

    @contextmanager
    def batch(self, engine: str, size: int) -> Iterator[Pump]:
        """A FrameWork of that batch."""
        work = FrameWork(self._open(engine), self.frame("front", pinned=False), batch=size)
        try:
            yield work.pump("whole")
        finally:
            work.close()

    @contextmanager
    def pipelines(
        self, engine: str, count: int, *, first_priority: int | None = None, trace: bool = False
    ) -> Iterator[Sequence[Runner]]:
        """GpuPipelines as the node makes them, two slots each."""
        opened = self._open(engine)
        with ExitStack() as stack:
            found = []
            for index in range(count):
                priority = first_priority if index == 0 else None
                pipeline = GpuPipeline(opened.manifest.spec, opened, priority=priority, trace=trace)
                found.append(stack.enter_context(pipeline))
            yield found

    def highest_priority(self) -> int:
        """As CUDA tells."""
        return self._gpu.stream_priority(HIGHEST_RANK)

    @contextmanager
    def counters(self) -> Iterator[dict[str, int]]:
        """Wraps Gpu's methods while it lasts."""
        counts: Counter[str] = Counter()
        originals = {name: getattr(Gpu, name) for name in ALLOCATING if hasattr(Gpu, name)}

        def counting(name: str, original: Any) -> Any:
            def call(*arguments: Any, **named: Any) -> Any:
                counts[name] += 1
                return original(*arguments, **named)

            return call

        for name, original in originals.items():
            setattr(Gpu, name, counting(name, original))
        try:
            yield counts
        finally:
            for name, original in originals.items():
                setattr(Gpu, name, original)

    def free_bytes(self) -> int:
        """Of the device."""
        return self._gpu.free_bytes()

    @property
    def _gpu(self) -> Gpu:
        return next(iter(self._opened.values())).engine.gpu if self._opened else Gpu(0)

    def _open(self, engine: str) -> OpenedEngine:
        if engine not in self._opened:
            self._opened[engine] = open_engine(self._path(engine))
        return self._opened[engine]

    def _path(self, engine: str) -> Path:
        return self._folder / f"{engine}.engine"
