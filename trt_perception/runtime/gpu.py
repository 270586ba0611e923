"""One GPU: memory, streams, events, copies and kernels.

The only place that imports the CUDA packages, but for the compiler of kernels.
"""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trt_perception.engine.cuda_driver import CudaDriver
from trt_perception.errors import DeviceError, MissingError
from trt_perception.kernel_call import KernelCall, KernelSource
from trt_perception.runtime.gpu_guard import CudaErrors, GpuGuard
from trt_perception.runtime.gpu_watch import Watched
from trt_perception.runtime.kernel_cache import KernelCache
from trt_perception.runtime.kernel_files import PACKAGE
from trt_perception.runtime.kernel_launcher import Kernel, KernelLauncher
from trt_perception.runtime.short_calls import ShortCalls


@dataclass(frozen=True, kw_only=True)
class Memory:
    """Memory from `Gpu.allocate` or `Gpu.allocate_pinned`, to be given to `Gpu.free`.

    Args:
        address: Where it begins, aligned to 256 bytes.
        nbytes: Its size.
        is_pinned: Whether it is the host's, page-locked, rather than the device's.
    """

    address: int
    nbytes: int
    is_pinned: bool = False


class _Chosen(threading.local):
    """The GPU that a thread has chosen, and by which package. Nothing else in this process chooses one."""

    core: Any = None
    index = -1

    def choose(self, core: Any, index: int) -> None:
        if self.core is not core or self.index != index:
            core.Device(index).set_current()
            self.core, self.index = core, index


_chosen = _Chosen()


class Gpu:
    """One GPU. Every thread that calls it, or TensorRT, calls `use` before.

    Streams and events are those of cuda.core; `int(stream.handle)` is what TensorRT takes.

    Args:
        index: As CUDA counts, CUDA_VISIBLE_DEVICES included.
        kernel_cache: Where compiled kernels are kept. None: in the user's cache folder.

    Raises:
        MissingError: The CUDA packages, or the driver, are not installed.
        DeviceError: There is no such device, or it cannot be used.
    """

    _short: ShortCalls | None = None

    def __init__(self, index: int = 0, *, kernel_cache: KernelCache | None = None) -> None:
        try:
            from cuda import core
            from cuda.bindings import driver, runtime
        except ImportError as error:
            raise MissingError(
                f"the Python packages cuda-core and cuda-bindings cannot be imported ({error})",
                "run: pip install cuda-core 'cuda-bindings==12.*' (or 13.*, as the CUDA that nvidia-smi shows)",
            ) from error
        CudaDriver().device(index)  # the packages' own words for an absent driver help nobody
        self.index = index
        self._core: Any = core
        self._runtime: Any = runtime
        self.allocations = 0
        """How often memory was allocated so far, of the device and pinned."""
        self.use()
        with self.guard("asking for its compute capability"):
            major, minor = core.Device(index).compute_capability
        self._launcher = KernelLauncher(
            core,
            driver,
            compute_capability=(int(major), int(minor)),
            cache=kernel_cache or KernelCache(),
            error=self.error,
        )
        self._short = self._checked_short_calls()

    def use(self) -> None:
        """Make it the calling thread's GPU. Costs nothing where it is already.

        Raises:
            DeviceError: It cannot be used.
        """
        if _chosen.core is self._core and _chosen.index == self.index:
            return
        with self.guard("choosing it"):
            _chosen.choose(self._core, self.index)

    @contextmanager
    def borrowed(self) -> Iterator[None]:
        """`use` within a `with` block: behind it the calling thread, which may be anybody's, has the GPU it had.

        Raises:
            DeviceError: It cannot be used.
        """
        core, index = _chosen.core, _chosen.index
        self.use()
        try:
            yield
        finally:
            if core is not None:
                with self.guard("choosing the one before"):
                    _chosen.choose(core, index)

    def free_bytes(self) -> int:
        """Device memory that is free now."""
        return int(self._call("cudaMemGetInfo")[0])

    def allocate(self, nbytes: int) -> Memory:
        """Device memory; what is in it is not defined.

        Raises:
            DeviceError: There is not enough.
        """
        self.allocations += 1
        return Memory(address=int(self._call("cudaMalloc", max(1, nbytes))[0]), nbytes=nbytes)

    def allocate_pinned(self, nbytes: int) -> Memory:
        """Host memory that the GPU reads and writes at full speed and while the host does other things.

        Raises:
            DeviceError: There is not enough.
        """
        self.allocations += 1
        return Memory(address=int(self._call("cudaMallocHost", max(1, nbytes))[0]), nbytes=nbytes, is_pinned=True)

    @property
    def is_integrated(self) -> bool:
        """Whether host and GPU share one memory (Orin, Thor), so that copying between them gains nothing."""
        attribute = self._runtime.cudaDeviceAttr.cudaDevAttrIntegrated
        return bool(self._call("cudaDeviceGetAttribute", attribute, self.index)[0])

    def register(self, address: int, nbytes: int) -> None:
        """Make host memory of others page-locked and visible to the GPU, until `unregister`.

        Args:
            address: Where it begins, at a page.
            nbytes: Its size, in whole pages.

        Raises:
            DeviceError: It cannot be locked: `ulimit -l`, or it is registered already.
        """
        flags = self._runtime.cudaHostRegisterPortable | self._runtime.cudaHostRegisterMapped
        self._call("cudaHostRegister", address, nbytes, flags)

    def unregister(self, address: int) -> None:
        """Undo `register`. Nothing on the GPU may use the memory any more."""
        self._call("cudaHostUnregister", address)

    def device_address(self, address: int) -> int | None:
        """Where kernels find host memory that is pinned or registered; None where they do not see it."""
        attributes = self._call("cudaPointerGetAttributes", address)[0]
        if attributes.type != self._runtime.cudaMemoryType.cudaMemoryTypeHost:
            return None
        return int(attributes.devicePointer) or None

    def free(self, memory: Memory) -> None:
        """Give memory back. Nothing may use it any more.

        Raises:
            DeviceError: The device failed before.
        """
        self._call("cudaFreeHost" if memory.is_pinned else "cudaFree", memory.address)

    def array(self, memory: Memory, *, shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
        """Pinned memory as an array, valid until it is freed."""
        raw = np.ctypeslib.as_array((ctypes.c_uint8 * memory.nbytes).from_address(memory.address))
        return raw.view(dtype).reshape(shape)

    def fill_with_zeros(self, memory: Memory, stream: Any) -> None:
        """Set device memory to zero, in the order of the stream."""
        self._call("cudaMemsetAsync", memory.address, 0, memory.nbytes, int(stream.handle))

    def upload(self, address: int, array: NDArray[Any], stream: Any) -> None:
        """Copy a contiguous array to the device, in the order of the stream.

        The array may be changed as soon as this returns, unless it lies in pinned memory.
        """
        kind = self._runtime.cudaMemcpyKind.cudaMemcpyHostToDevice
        self._call("cudaMemcpyAsync", address, array.ctypes.data, array.nbytes, kind, int(stream.handle))

    def download(self, memory: Memory, address: int, stream: Any, *, nbytes: int | None = None) -> None:
        """Fill pinned memory, or its first bytes, from the device, in the order of the stream.

        Args:
            memory: The pinned memory.
            address: Where the bytes lie on the device.
            stream: A stream of cuda.core, or the handle of one.
            nbytes: How many. None: all that fit.
        """
        size = memory.nbytes if nbytes is None else nbytes
        handle = int(getattr(stream, "handle", stream))
        if self._short is not None:
            self._check(self._short.download(memory.address, address, size, handle), "cuMemcpyDtoHAsync")
            return
        kind = self._runtime.cudaMemcpyKind.cudaMemcpyDeviceToHost
        self._call("cudaMemcpyAsync", memory.address, address, size, kind, handle)

    def wait(self, stream: Any, event: Any) -> None:
        """Let what comes into the stream from now on wait until the event, as last recorded, has happened."""
        if self._short is not None:
            self._check(self._short.wait(stream, event), "cuStreamWaitEvent")
            return
        with self.guard("waiting for another stream"):
            stream.wait(event)

    def record(self, stream: Any, event: Any) -> None:
        """Let the event happen as soon as the stream has done what it has got so far."""
        if self._short is not None:
            self._check(self._short.record(stream, event), "cuEventRecord")
            return
        with self.guard("recording an event"):
            stream.record(event)

    def launch_graph(self, graph: Any, stream: Any) -> None:
        """Enqueue a graph of cuda.core."""
        if self._short is not None:
            self._check(self._short.launch(graph, stream), "cuGraphLaunch")
            return
        with self.guard("launching the CUDA graph"):
            graph.launch(stream)

    def stamp(self, event: Any, handle: int) -> None:
        """Record an event made with `timing` on the stream of that handle, also from within a graph that is captured.

        Elapsed times are those of the graph's last launch: `later - earlier` in milliseconds.
        """
        runtime = self._runtime
        (capturing,) = self._call("cudaStreamIsCapturing", handle)
        is_plain = capturing == runtime.cudaStreamCaptureStatus.cudaStreamCaptureStatusNone
        flags = runtime.cudaEventRecordDefault if is_plain else runtime.cudaEventRecordExternal
        self._call("cudaEventRecordWithFlags", int(event.handle), handle, flags)

    def load_kernel(self, source: KernelSource, *, root: Path = PACKAGE) -> Kernel:
        """Compile a kernel, or take it from the cache, and load it. Does nothing where it is loaded.

        Args:
            source: Which one.
            root: Where its file lies.

        Raises:
            MissingError: NVRTC is not installed, or does not know this GPU.
            DeviceError: It does not compile, with the compiler's log; or its file has no such function.
        """
        with CudaErrors(f"loading {source}", self.error):  # compiling is no wait for the GPU
            return self._launcher.load(source, root=root)

    def launch(self, call: KernelCall, handle: int) -> None:
        """Enqueue a kernel on the stream of that handle; while it is captured, one that was launched before.

        Raises:
            ValueError: The arguments' number or sizes are not those of the kernel's parameters.
            MissingError, DeviceError: As `load_kernel`, where it is not loaded; or CUDA refuses.
        """
        kernel = self._launcher.find(call.source) or self.load_kernel(call.source)
        self._launcher.launch(call, kernel, handle)

    def stream_priority(self, rank: int) -> int:
        """The priority of streams that go before those of lower ranks; 0 is the lowest rank, and few differ."""
        least, greatest = self._call("cudaDeviceGetStreamPriorityRange")
        return max(int(greatest), int(least) - rank)

    def make_stream(self, *, priority: int | None = None) -> Any:
        """A stream that never waits for the default stream.

        Args:
            priority: Lower numbers go first. None: the lowest.
        """
        with self.guard("making a stream"):
            options = self._core.StreamOptions(nonblocking=True, priority=priority)
            return self._core.Device(self.index).create_stream(options=options)

    def make_event(self, *, timing: bool = False) -> Any:
        """An event whose `sync` puts the thread to sleep; without `timing` it is cheaper."""
        with self.guard("making an event"):
            options = self._core.EventOptions(timing_enabled=timing, blocking_sync=True)
            return self._core.Device(self.index).create_event(options)

    def guard(self, doing: str) -> GpuGuard:
        """A `with` block: errors of the CUDA packages become a DeviceError that says whether the process can go on.

        What is within may wait for the GPU: a `GpuWatch` sees when that does not end.

        Args:
            doing: What failed then, e.g. `waiting for the engine`.
        """
        return GpuGuard(doing, self.error, name=f"GPU {self.index}")

    def error(self, problem: str) -> DeviceError:
        """The error to raise, with the GPU's index and what to do."""
        sticky = self.is_lost()
        remedy = "; the process must be started again" if sticky else ""
        return DeviceError(f"GPU {self.index}: {problem}{remedy}", is_sticky=sticky)

    def is_lost(self) -> bool:
        """Whether an earlier error has ended all CUDA work of this process.

        CUDA gives such an error again with every later call, and keeps it when it was read; any other one is forgotten.
        """
        runtime = self._runtime
        runtime.cudaGetLastError()
        status = runtime.cudaMemGetInfo()[0]
        # While a stream is captured some calls are refused, which passes.
        return bool(status != runtime.cudaError_t.cudaSuccess and "StreamCapture" not in status.name)

    def _checked_short_calls(self) -> ShortCalls | None:
        """The driver's calls, if they do what those of cuda.core do."""
        short = ShortCalls.load()
        if short is None:
            return None
        stream, event = self.make_stream(), self.make_event()
        works = short.record(stream, event) == 0 and short.wait(stream, event) == 0
        with self.guard("trying events"):
            stream.sync()
        stream.close()
        return short if works else None

    def _check(self, status: int, function: str) -> None:
        if not status:
            return
        try:  # the driver's numbers are the runtime's
            name = self._runtime.cudaError_t(status).name
        except ValueError:
            name = f"error {status}"
        raise self.error(f"{function} fails: {name}")

    def _call(self, function: str, *arguments: Any) -> tuple[Any, ...]:
        """Call the CUDA runtime; its results without the status."""
        with Watched(f"GPU {self.index}: {function}"):  # a copy of pageable memory waits for what is before it
            status, *results = getattr(self._runtime, function)(*arguments)
        if status != self._runtime.cudaError_t.cudaSuccess:
            raise self.error(f"{function} fails: {status.name}")
        return tuple(results)
