"""A GPU made of host memory: streams run what they get at once, captures run it when they are launched."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trt_perception.runtime.gpu import Gpu, Memory

Call = Callable[[], None]


class FakeDevice:
    """What stands behind every `FakeGpu` of a test.

    Args:
        size: Bytes of device memory.
    """

    def __init__(self, size: int = 2**30) -> None:
        self.free = size
        self.allocations = 0
        self.is_lost = False
        self.blocks: dict[int, tuple[Memory, Any]] = {}
        self.streams: dict[int, FakeStream] = {}

    @property
    def live(self) -> int:
        """Blocks that nobody has freed, pinned ones included."""
        return len(self.blocks)

    def gpu(self, index: int = 0) -> FakeGpu:
        """In place of `Gpu`."""
        return FakeGpu(self, index)

    def enqueue(self, handle: int, call: Call) -> None:
        """What a library does with the handle of a stream."""
        self.streams[handle].do(call)


class FakeStream:
    """Runs what it gets, or records it while it is captured."""

    def __init__(self, device: FakeDevice, priority: int | None) -> None:
        self.handle = 1000 + len(device.streams)
        self.priority = priority
        self.is_closed = False
        self.recorded: list[Call] | None = None
        self._device = device
        device.streams[self.handle] = self

    def do(self, call: Call) -> None:
        if self.recorded is None:
            call()
        else:
            self.recorded.append(call)

    def sync(self) -> None:
        if self._device.is_lost:
            raise RuntimeError("CUDA_ERROR_ILLEGAL_ADDRESS")
        if self.recorded is not None:
            raise RuntimeError("CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED")

    def record(self, event: FakeEvent) -> None:
        event.recorded += 1

    def create_graph_builder(self) -> FakeGraphBuilder:
        return FakeGraphBuilder(self)

    def close(self) -> None:
        self.is_closed = True


class FakeGraphBuilder:
    """cuda.core's GraphBuilder, of one stream."""

    def __init__(self, stream: FakeStream) -> None:
        self.stream = stream

    def begin_building(self, mode: str) -> None:
        assert mode == "thread_local"
        self.stream.recorded = []

    def end_building(self) -> FakeGraphBuilder:
        self._calls = self.stream.recorded
        self.stream.recorded = None
        return self

    def complete(self) -> FakeGraph:
        assert self._calls is not None
        return FakeGraph(self._calls)

    def close(self) -> None:
        self.stream.recorded = None


class FakeGraph:
    """Repeats what was captured."""

    def __init__(self, calls: list[Call]) -> None:
        self._calls = calls
        self.is_closed = False

    def launch(self, stream: FakeStream) -> None:
        assert not self.is_closed
        for call in self._calls:
            stream.do(call)

    def close(self) -> None:
        self.is_closed = True


class FakeEvent:
    """Done as soon as it is recorded; two of them are a millisecond apart."""

    def __init__(self, device: FakeDevice) -> None:
        self.recorded = 0
        self._device = device

    def sync(self) -> None:
        assert self.recorded
        if self._device.is_lost:
            raise RuntimeError("CUDA_ERROR_ILLEGAL_ADDRESS")

    def __sub__(self, other: FakeEvent) -> float:
        return 1.0


class FakeGpu(Gpu):
    """As `Gpu`, without CUDA; its errors and its guard are the real ones."""

    def __init__(self, device: FakeDevice, index: int) -> None:
        self.index = index
        self.device = device

    def use(self) -> None:
        pass

    def free_bytes(self) -> int:
        return self.device.free

    def allocate(self, nbytes: int) -> Memory:
        if nbytes > self.device.free:
            raise self.error("cudaMalloc fails: cudaErrorMemoryAllocation")
        self.device.free -= nbytes
        return self._allocate(nbytes, is_pinned=False)

    def allocate_pinned(self, nbytes: int) -> Memory:
        return self._allocate(nbytes, is_pinned=True)

    def free(self, memory: Memory) -> None:
        del self.device.blocks[memory.address]
        self.device.free += 0 if memory.is_pinned else memory.nbytes

    def fill_with_zeros(self, memory: Memory, stream: Any) -> None:
        ctypes.memset(memory.address, 0, memory.nbytes)

    def upload(self, address: int, array: NDArray[Any], stream: Any) -> None:
        assert array.flags.c_contiguous
        ctypes.memmove(address, array.ctypes.data, array.nbytes)

    def download(self, memory: Memory, address: int, stream: Any) -> None:
        assert memory.is_pinned
        ctypes.memmove(memory.address, address, memory.nbytes)

    def make_stream(self, *, priority: int | None = None) -> Any:
        return FakeStream(self.device, priority)

    def make_event(self, *, timing: bool = False) -> Any:
        return FakeEvent(self.device)

    def is_lost(self) -> bool:
        return self.device.is_lost

    def _allocate(self, nbytes: int, *, is_pinned: bool) -> Memory:
        self.device.allocations += 1
        content = np.full(nbytes + 256, 0xA5, np.uint8)  # never zeros by chance
        memory = Memory(address=-(-content.ctypes.data // 256) * 256, nbytes=nbytes, is_pinned=is_pinned)
        self.device.blocks[memory.address] = (memory, content)
        return memory
