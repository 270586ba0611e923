"""Where kernels run that a bench measures. Nothing is measured here."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from trt_perception.errors import DeviceError
from trt_perception.kernel_call import KernelCall

LAUNCHES = 10
REPEATS = 20
"""Times that one graph holds the work: launching a graph takes longer than small kernels do."""
RUNS = LAUNCHES * REPEATS
ROUNDS = 7


class KernelDevice(Protocol):
    """Memory for the arrays of one case, and runs of kernels."""

    def put(self, array: NDArray[Any]) -> int:
        """Copy an array there; its address."""

    def room(self, nbytes: int) -> int:
        """Memory for results."""

    def us(self, calls: Sequence[KernelCall]) -> float:
        """Microseconds of the calls in their order."""

    def get(self, address: int, nbytes: int) -> NDArray[np.uint8]:
        """A copy of what lies there."""

    def clear(self) -> None:
        """Give all memory back."""


class GpuDevice:
    """The GPU. Times are between two events around RUNS of the work in captured graphs, the median of ROUNDS."""

    def __init__(self) -> None:
        from trt_perception.runtime.gpu import Gpu

        self.gpu = Gpu()
        self._stream = self.gpu.make_stream()
        self._events = (self.gpu.make_event(timing=True), self.gpu.make_event(timing=True))
        self._memory: list[Any] = []

    def put(self, array: NDArray[Any]) -> int:
        address = self.room(array.nbytes)
        self.gpu.upload(address, np.ascontiguousarray(array), self._stream)
        self._stream.sync()
        return address

    def room(self, nbytes: int) -> int:
        self._memory.append(self.gpu.allocate(nbytes))
        return int(self._memory[-1].address)

    def us(self, calls: Sequence[KernelCall]) -> float:
        from trt_perception.runtime.captured_work import CapturedWork

        def enqueue(handle: int) -> None:
            for call in [*calls] * REPEATS:
                self.gpu.launch(call, handle)

        work = CapturedWork(self.gpu, self._stream, enqueue)
        if not work.is_graph:
            raise DeviceError(f"the kernels cannot be captured: {work.reason}")
        start, end = self._events
        rounds = []
        for _ in range(ROUNDS + 1):
            self.gpu.record(self._stream, start)
            for _ in range(LAUNCHES):
                work.launch()
            self.gpu.record(self._stream, end)
            end.sync()
            rounds.append((end - start) * 1e3 / RUNS)
        work.close()
        return float(statistics.median(rounds[1:]))

    def get(self, address: int, nbytes: int) -> NDArray[np.uint8]:
        pinned = self.gpu.allocate_pinned(nbytes)
        self.gpu.download(pinned, address, self._stream)
        self._stream.sync()
        found = self.gpu.array(pinned, shape=(nbytes,), dtype=np.dtype(np.uint8)).copy()
        self.gpu.free(pinned)
        return found

    def clear(self) -> None:
        while self._memory:
            self.gpu.free(self._memory.pop())


class RehearsalDevice:
    """The CPU, by the stand-in for CUDA that the tests have; its times mean nothing.

    Args:
        folder: For compiled kernels.
    """

    def __init__(self, folder: Path) -> None:
        sys.path.append(str(Path(__file__).resolve().parent.parent / "test"))
        from helpers.cpu_kernel import CpuCompiler
        from helpers.cpu_kernel_bench import CpuKernelBench

        self._bench = CpuKernelBench(CpuCompiler(folder))

    def put(self, array: NDArray[Any]) -> int:
        return int(self._bench.put(array))

    def room(self, nbytes: int) -> int:
        return int(self._bench.room(nbytes))

    def us(self, calls: Sequence[KernelCall]) -> float:
        self._bench.run(calls)
        return 1.0

    def get(self, address: int, nbytes: int) -> NDArray[np.uint8]:
        return self._bench.get(address, (nbytes,), np.uint8)

    def clear(self) -> None:
        self._bench.clear()
