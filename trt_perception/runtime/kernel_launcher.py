"""Kernels of one GPU: compiled, loaded and launched."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any

from trt_perception.errors import DeviceError
from trt_perception.kernel_call import KernelCall, KernelSource
from trt_perception.runtime.kernel_cache import KernelCache
from trt_perception.runtime.kernel_compiler import KernelCompiler
from trt_perception.runtime.kernel_files import PACKAGE

_KEPT_LAUNCHES = 512


@dataclass(frozen=True, kw_only=True, eq=False)
class Kernel:
    """One function on the device.

    Args:
        source: Which one.
        handle: A CUkernel.
        parameter_bytes: Sizes of its parameters; None where the driver does not tell.
        module: What keeps it loaded.
    """

    source: KernelSource
    handle: int
    parameter_bytes: tuple[int, ...] | None
    module: Any = field(repr=False)


class _Launch:
    """A call with its arguments where the driver reads them."""

    def __init__(self, call: KernelCall, kernel: Kernel) -> None:
        sizes = tuple(argument.nbytes for argument in call.arguments)
        if kernel.parameter_bytes is not None and sizes != kernel.parameter_bytes:
            raise ValueError(
                f"{call.source}: its parameters have {', '.join(map(str, kernel.parameter_bytes))} bytes, "
                f"got arguments of {', '.join(map(str, sizes))}"
            )
        self.call = call
        # Each has eight bytes of its own, which aligns it.
        self._values = ctypes.create_string_buffer(8 * max(1, len(sizes)))
        base = ctypes.addressof(self._values)
        for index, argument in enumerate(call.arguments):
            ctypes.memmove(base + 8 * index, argument.tobytes(), argument.nbytes)
        self._pointers = (ctypes.c_void_p * max(1, len(sizes)))(*(base + 8 * index for index in range(len(sizes))))
        self.front = (kernel.handle, *call.grid, *call.block, call.shared_bytes)
        self.pointers = ctypes.addressof(self._pointers)


class KernelLauncher:
    """Compiles and loads kernels when they are asked for, and launches them.

    Args:
        core: The module cuda.core.
        driver: The module cuda.bindings.driver.
        compute_capability: Of the GPU.
        cache: Where compiled kernels are kept.
        error: Makes the error to raise where CUDA refuses a launch.
    """

    def __init__(
        self,
        core: Any,
        driver: Any,
        *,
        compute_capability: tuple[int, int],
        cache: KernelCache,
        error: Callable[[str], DeviceError],
    ) -> None:
        self._core = core
        self._driver = driver
        self._error = error
        self._compute_capability = compute_capability
        self._cache = cache
        self._compiler: KernelCompiler | None = None
        self._modules: dict[tuple[str, tuple[tuple[str, str], ...]], Any] = {}
        self._kernels: dict[KernelSource, Kernel] = {}
        self._launches: dict[int, _Launch] = {}
        self._lock = Lock()

    def find(self, source: KernelSource) -> Kernel | None:
        """The kernel, where it is loaded."""
        return self._kernels.get(source)

    def load(self, source: KernelSource, *, root: Path = PACKAGE) -> Kernel:
        """The kernel; compiles its file where nobody has.

        Args:
            source: Which one.
            root: Where its file lies.

        Raises:
            MissingError: NVRTC is not installed, or does not know this GPU.
            DeviceError: It does not compile; with NVRTC's log.
            Exception: Errors of cuda.core, as where the file has no such function.
        """
        with self._lock:
            if source not in self._kernels:
                self._kernels[source] = self._load(source, root)
            return self._kernels[source]

    def launch(self, call: KernelCall, kernel: Kernel, handle: int) -> None:
        """Enqueue a call. The arguments of the last calls are kept as the driver reads them.

        Args:
            call: Best the same object again and again.
            kernel: That of its source.
            handle: Address of the CUDA stream.

        Raises:
            ValueError: The arguments are not those of the kernel.
            DeviceError: CUDA refuses.
        """
        launch = self._launches.get(id(call))
        if launch is None or launch.call is not call:
            launch = _Launch(call, kernel)
            if len(self._launches) >= _KEPT_LAUNCHES:
                self._launches.clear()
            self._launches[id(call)] = launch
        (status,) = self._driver.cuLaunchKernel(*launch.front, handle, launch.pointers, 0)
        if status != self._driver.CUresult.CUDA_SUCCESS:
            raise self._error(f"{call.source}: cuLaunchKernel fails: {status.name}")

    def _load(self, source: KernelSource, root: Path) -> Kernel:
        key = source.file, source.defines
        if key not in self._modules:
            if self._compiler is None:
                self._compiler = KernelCompiler(cache=self._cache)
            architecture = self._compiler.architecture(self._compute_capability)
            code = self._compiler.compile(source, architecture, root=root)
            self._modules[key] = self._core.ObjectCode.from_cubin(code, name=source.file)
        module = self._modules[key]
        kernel = module.get_kernel(source.function)
        return Kernel(source=source, handle=int(kernel.handle), parameter_bytes=_parameter_bytes(kernel), module=module)


def _parameter_bytes(kernel: Any) -> tuple[int, ...] | None:
    try:
        return tuple(int(parameter.size) for parameter in kernel.arguments_info)
    except NotImplementedError:  # the driver is older than CUDA 12.4
        return None
