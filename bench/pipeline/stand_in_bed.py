"""Sleeping threads in the place of the GPU, for rehearsals: what they measure says nothing about any GPU."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace

from bench.pipeline.bed import PARTS, STAGES, Promise, Pump, Runner
from bench.pipeline.identity import identity
from bench.pipeline.picture import picture_frame
from trt_perception.frame import Frame
from trt_perception.result import Result, StageStamps
from trt_perception.thresholds import Thresholds

MS = {"upload": 0.3, "upload from pinned memory": 0.1, "preprocess": 0.1, "engine": 1.0, "decode": 0.1, "download": 0.1}
MS |= {"whole": sum(MS[name] for name in PARTS), "to boxes": 1.2, "decode boxes": 0.05}


class StandInPump:
    """Sleeps when it is waited for."""

    def __init__(self, ms: float) -> None:
        self._ms = ms
        self._in_flight = 0

    @property
    def is_idle(self) -> bool:
        """Whether nothing is in flight."""
        return self._in_flight == 0

    def fill(self) -> None:
        """Two in flight."""
        self._in_flight = 2

    def wait(self) -> float:
        """Sleep."""
        self._in_flight -= 1
        time.sleep(self._ms / 1e3)
        return self._ms


class _Promise:
    def __init__(self, future: Future[Result]) -> None:
        self._future = future

    def result(self) -> Result:
        return self._future.result()


class StandInPipeline:
    """One thread that sleeps; two frames may be under way."""

    def __init__(self, pool: ThreadPoolExecutor) -> None:
        self.thresholds = Thresholds()
        self._pool = pool
        self._in_flight: deque[Future[Result]] = deque()

    def start(self, frames: Sequence[Frame]) -> Promise:
        """Begin one."""
        if len(self._in_flight) == 2:
            self._in_flight.popleft().result()
        self._in_flight.append(self._pool.submit(self._sleep))
        return _Promise(self._in_flight[-1])

    def process(self, frames: Sequence[Frame]) -> Result:
        """Begin one and wait."""
        return self.start(frames).result()

    @staticmethod
    def _sleep() -> Result:
        time.sleep(MS["whole"] / 1e3)
        return Result(heads={}, stamps=StageStamps(uploaded_ns=0, decoded_ns=int(MS["whole"] * 1e6)))


class StandInBed:
    """Every engine is there and takes the same time."""

    def identity(self) -> dict[str, str]:
        """No GPU, and it says so."""
        return identity(stand_in=True)

    def has(self, engine: str) -> bool:
        """Always."""
        return True

    def frame(self, camera: str, *, pinned: bool) -> Frame:
        """The picture."""
        return replace(picture_frame(), camera=camera)

    @contextmanager
    def stages(self, engine: str) -> Iterator[Mapping[str, Pump]]:
        """All of them."""
        yield {name: StandInPump(MS[name]) for name in STAGES}

    @contextmanager
    def engines_alone(self, engine: str, count: int) -> Iterator[Sequence[Pump]]:
        """Pumps that take turns."""
        yield [StandInPump(MS["engine"] / count) for _ in range(count)]

    @contextmanager
    def graphs(self, engine: str, count: int) -> Iterator[Sequence[Pump]]:
        """Pumps that take turns."""
        yield [StandInPump(MS["whole"] / count) for _ in range(count)]

    @contextmanager
    def batch(self, engine: str, size: int) -> Iterator[Pump]:
        """One pump."""
        yield StandInPump(MS["whole"] * size / 2)

    @contextmanager
    def pipelines(
        self, engine: str, count: int, *, first_priority: int | None = None, trace: bool = False
    ) -> Iterator[Sequence[Runner]]:
        """A thread each."""
        pools = [ThreadPoolExecutor(1) for _ in range(count)]
        try:
            yield [StandInPipeline(pool) for pool in pools]
        finally:
            for pool in pools:
                pool.shutdown()

    def highest_priority(self) -> int:
        """As an H200 has it."""
        return -5

    @contextmanager
    def counters(self) -> Iterator[dict[str, int]]:
        """Nothing is ever allocated."""
        yield {}

    def free_bytes(self) -> int:
        """None of it."""
        return 0
