"""A GPU that does its work as late, as early or as oddly as streams and events allow, so that races show.

Streams keep what they get until something has to be done. Then the scheduler picks among the heads of all streams:

- `eager`: at once, as far as events allow;
- `lazy`: nothing until the host waits for it, and then no more than that;
- a number: the seed of a random choice, made at every call of the host.

Whatever is read too early is not there yet, and whatever is overwritten too early is gone: results differ.
"""

from __future__ import annotations

import ctypes
import random
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from threading import RLock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from helpers.fake_gpu import Call, FakeDevice, FakeGpu, FakeStream
from helpers.kernel_bench import KernelBench
from trt_perception.kernel_call import KernelCall, KernelSource
from trt_perception.runtime.gpu import Memory


class _Launch:
    """A kernel in a queue."""

    def __init__(self, device: SimulatedDevice, call: KernelCall) -> None:
        self.call = call
        self._device = device

    def __call__(self) -> None:
        self._device.run([self.call])


class SimulatedEvent:
    """Counts how often it was recorded, and how many of these have happened."""

    def __init__(self, device: SimulatedDevice) -> None:
        self.handle = id(self)
        self.recorded = 0
        self.happened = 0
        self.at = 0
        self._device = device

    def sync(self) -> None:
        self._device.work_until(lambda: self.happened >= self.recorded, self._device.stream_of(self))

    def __sub__(self, other: SimulatedEvent) -> float:
        assert min(self.happened, other.happened) > 0
        return float(self.at - other.at)


class SimulatedStream(FakeStream):
    """A queue of work. An entry may have to wait: it then holds up what is behind it."""

    def __init__(self, device: SimulatedDevice, priority: int | None) -> None:
        super().__init__(device, priority)
        self.queue: deque[tuple[Callable[[], bool], Call, SimulatedEvent | None]] = deque()
        self._simulated = device

    def do(self, call: Call, ready: Callable[[], bool] = lambda: True, records: SimulatedEvent | None = None) -> None:
        assert not self.is_closed
        if self.recorded is not None:
            self.recorded.append(call)
            return
        with self._simulated.lock:
            self.queue.append((ready, call, records))
            self._simulated.wander()

    def sync(self) -> None:
        super().sync()
        self._simulated.work_until(lambda: not self.queue, self)

    def wait(self, event: Any) -> None:
        assert self.recorded is None, "a wait within a graph would be frozen with it"
        wanted = event.recorded
        self.do(lambda: None, lambda: event.happened >= wanted)

    def record(self, event: Any) -> None:
        assert self.recorded is None, "a record within a graph would be frozen with it"
        event.recorded += 1
        number = event.recorded

        def happen() -> None:
            event.happened = max(event.happened, number)
            event.at = self._simulated.tick()

        self.do(happen, records=event)

    def close(self) -> None:
        assert not self.queue, "closed with work under way"
        super().close()


class SimulatedDevice(FakeDevice):
    """What stands behind every `SimulatedGpu` of a test.

    Args:
        order: `eager`, `lazy` or the seed of a random order.
        bench: Has all memory and runs the kernels; what they write outside of it is a fault. None: none are run.
        size: Bytes of device memory.
    """

    def __init__(self, order: str | int = "eager", *, bench: KernelBench | None = None, size: int = 2**32) -> None:
        super().__init__(size)
        self.order = order
        self.kernels: set[KernelSource] = set()
        self.launches = 0
        self.uploads: list[int] = []
        self.fails: set[str] = set()
        self.registered: dict[int, int] = {}
        self.lock = RLock()  # cameras have threads of their own
        self._random = random.Random(order)
        self.bench = bench
        self._clock = 0
        self._is_working = False

    def gpu(self, index: int = 0) -> SimulatedGpu:
        return SimulatedGpu(self, index)

    @property
    def is_idle(self) -> bool:
        """Whether no stream has work left."""
        return not any(stream.queue for stream in self._streams())

    def run(self, calls: Sequence[KernelCall]) -> None:
        assert self.bench is not None
        self.bench.run(calls)

    def tick(self) -> int:
        """The device's clock, ms."""
        self._clock += 1
        return self._clock

    def stream_of(self, event: SimulatedEvent) -> SimulatedStream | None:
        """Where the event is still to be recorded."""
        return next((item for item in self._streams() if any(entry[2] is event for entry in item.queue)), None)

    def wander(self) -> None:
        """Do as much as the order asks for at a call of the host."""
        if self.order == "eager":
            while self._step(self._streams()):
                pass
        elif self.order != "lazy":
            for _ in range(self._random.randrange(6)):
                self._step(self._streams())

    def work_until(self, done: Callable[[], bool], stream: SimulatedStream | None) -> None:
        """Work until that is so; lazily, on nothing but the stream and what holds it up."""
        if self.is_lost:
            raise RuntimeError("CUDA_ERROR_ILLEGAL_ADDRESS")
        while not done():
            with self.lock:
                preferred = [stream] if self.order == "lazy" and stream is not None else []
                stepped = self._step(preferred) or self._step(self._streams())
                assert stepped or done(), "deadlock: nothing can run, and the host waits"

    def _step(self, streams: Sequence[Any]) -> bool:
        """Run one entry that need not wait, of any of the streams."""
        if self._is_working:  # a kernel's own work calls nothing
            return False
        heads = [stream for stream in streams if stream.queue and stream.queue[0][0]()]
        if not heads:
            return False
        stream = self._random.choice(heads)
        _, call, _ = stream.queue.popleft()
        with self._working():
            if isinstance(call, _Launch):
                self.run(self._with_followers(call, stream.queue))
            else:
                call()
        return True

    def _with_followers(self, launch: _Launch, queue: deque[Any]) -> list[KernelCall]:
        """The kernels that come next on the same stream: a run of the bench takes its time, of one as of many."""
        calls = [launch.call]
        while queue and isinstance(queue[0][1], _Launch):
            calls.append(queue.popleft()[1].call)
        return calls

    @contextmanager
    def _working(self) -> Iterator[None]:
        self._is_working = True
        try:
            yield
        finally:
            self._is_working = False

    def _streams(self) -> list[SimulatedStream]:
        return [stream for stream in self.streams.values() if isinstance(stream, SimulatedStream)]


class SimulatedGpu(FakeGpu):
    """As `Gpu`, on a `SimulatedDevice`. Device memory is the host's, so every read and write is a real one."""

    device: SimulatedDevice
    is_integrated = False

    def load_kernel(self, source: KernelSource) -> None:
        self.device.kernels.add(source)

    def launch(self, call: KernelCall, handle: int) -> None:
        if self.device.streams[handle].recorded is not None:
            assert call.source in self.device.kernels, f"{call.source} would be compiled during a capture"
        self.load_kernel(call.source)
        self.device.launches += 1
        if "launch" in self.device.fails:
            raise self.error("cuLaunchKernel fails")
        self.device.enqueue(handle, _Launch(self.device, call))

    def free(self, memory: Memory) -> None:
        ctypes.memset(memory.address, 0xDD, memory.nbytes)  # the bench keeps it, so who still uses it reads this
        super().free(memory)

    def fill_with_zeros(self, memory: Memory, stream: Any) -> None:
        stream.do(lambda: ctypes.memset(memory.address, 0, memory.nbytes))

    def upload(self, address: int, array: NDArray[Any], stream: Any) -> None:
        assert array.flags.c_contiguous
        self.device.uploads.append(array.nbytes)
        if "upload" in self.device.fails:
            raise self.error("cudaMemcpyAsync fails")
        pinned = self.device_address(array.ctypes.data) is not None
        source = array if pinned else array.copy()  # the driver stages pageable memory before it returns
        stream.do(lambda: ctypes.memmove(address, source.ctypes.data, source.nbytes))

    def download(self, memory: Memory, address: int, stream: Any, *, nbytes: int | None = None) -> None:
        assert memory.is_pinned
        size = memory.nbytes if nbytes is None else nbytes
        assert size <= memory.nbytes
        handle = int(getattr(stream, "handle", stream))
        self.device.enqueue(handle, lambda: ctypes.memmove(memory.address, address, size))

    def register(self, address: int, nbytes: int) -> None:
        self.device.registered[address] = nbytes

    def unregister(self, address: int) -> None:
        del self.device.registered[address]

    def device_address(self, address: int) -> int | None:
        pinned = [(memory.address, memory.nbytes) for memory, _ in self.device.blocks.values() if memory.is_pinned]
        for begin, nbytes in (*pinned, *self.device.registered.items()):
            if begin <= address < begin + nbytes:
                return address
        return None

    def stream_priority(self, rank: int) -> int:
        return max(-5, -rank)

    def stamp(self, event: Any, handle: int) -> None:
        def happen() -> None:
            event.happened += 1
            event.at = self.device.tick()

        self.device.enqueue(handle, happen)

    def _allocate(self, nbytes: int, *, is_pinned: bool) -> Memory:
        if self.device.bench is None:
            return super()._allocate(nbytes, is_pinned=is_pinned)
        with self.device.lock:
            self.device.allocations += 1
            memory = Memory(address=int(self.device.bench.room(nbytes)), nbytes=nbytes, is_pinned=is_pinned)
            self.device.blocks[memory.address] = (memory, None)
        return memory

    def make_stream(self, *, priority: int | None = None) -> Any:
        return SimulatedStream(self.device, priority)

    def make_event(self, *, timing: bool = False) -> Any:
        return SimulatedEvent(self.device)


def pinned_copy(gpu: SimulatedGpu, array: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The same bytes in pinned memory."""
    memory = gpu.allocate_pinned(array.nbytes)
    copy: NDArray[np.uint8] = gpu.array(memory, shape=array.shape, dtype=np.dtype(np.uint8))
    copy[...] = array
    return copy
