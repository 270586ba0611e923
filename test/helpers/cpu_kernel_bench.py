"""Runs kernels on the CPU."""

from __future__ import annotations

import ctypes
import itertools
import os
import signal
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from helpers.cpu_kernel import CpuCompiler, CpuKernel
from helpers.kernel_bench import ALIGNMENT, FILL, KernelFault
from trt_perception.kernel_call import MAX_SHARED_BYTES, KernelCall
from trt_perception.runtime.kernel_files import PACKAGE

GUARD = 0x5A
PAGE = 4096
LIMIT_S = 60
ORDERS = ("forward", "backward", "shuffled")


class _Report(ctypes.Structure):
    _fields_ = (
        ("launch", ctypes.c_int),
        ("block", ctypes.c_uint * 3),
        ("thread", ctypes.c_uint * 3),
        ("fault_address", ctypes.c_uint64),
        ("problem", ctypes.c_char * 512),
    )


class _Launch(ctypes.Structure):
    _fields_ = (
        ("call", ctypes.c_void_p),
        ("arguments", ctypes.c_void_p),
        ("grid", ctypes.c_uint * 3),
        ("block", ctypes.c_uint * 3),
        ("shared_bytes", ctypes.c_uint),
        ("dynamic_bytes", ctypes.c_uint),
        ("dynamic", ctypes.c_void_p),
        ("anchor", ctypes.c_void_p),
    )


class _Room:
    """Memory whose end lies as near to a page that nobody may touch as its alignment allows; the rest is guarded."""

    def __init__(self, driver: Any, nbytes: int, fill: int) -> None:
        self.nbytes = nbytes
        self._driver = driver
        self._size = -(-max(nbytes, 1) // PAGE) * PAGE
        self._base = int(driver.cuda_on_cpu_map(self._size) or 0)
        if not self._base:
            raise MemoryError(f"no memory for {nbytes} bytes")
        self.address = self._base + self._size - -(-nbytes // ALIGNMENT) * ALIGNMENT
        self._all = np.ctypeslib.as_array((ctypes.c_uint8 * self._size).from_address(self._base))
        self._all[:] = GUARD
        start = self.address - self._base
        self.content = self._all[start : start + nbytes]
        self.content[:] = fill
        self._beside = (self._all[:start], self._all[start + nbytes :])

    def check(self) -> None:
        before, after = self._beside
        if (before != GUARD).any():
            distance = len(before) - int(np.flatnonzero(before != GUARD)[-1])
            raise KernelFault(f"writes {distance} bytes before memory of {self.nbytes} bytes")
        if (after != GUARD).any():
            distance = int(np.flatnonzero(after != GUARD)[0])
            raise KernelFault(f"writes {distance} bytes behind the end of memory of {self.nbytes} bytes")

    def close(self) -> None:
        self._driver.cuda_on_cpu_unmap(self._base, self._size)


class CpuKernelBench:
    """See `KernelBench`. Each run takes another order of threads and blocks: forward, backward, shuffled.

    Args:
        compiler: That of the session.
    """

    name = "cpu"

    def __init__(self, compiler: CpuCompiler) -> None:
        self._compiler = compiler
        self._driver = compiler.driver
        self._driver.cuda_on_cpu_map.restype = ctypes.c_void_p
        self._driver.cuda_on_cpu_map.argtypes = [ctypes.c_size_t]
        self._driver.cuda_on_cpu_unmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
        self._rooms: list[_Room] = []
        self._runs = itertools.count()

    def put(self, array: NDArray[Any]) -> np.uint64:
        plain = np.ascontiguousarray(array)
        room = self._make_room(plain.nbytes)
        room.content[:] = plain.reshape(-1).view(np.uint8)
        return np.uint64(room.address)

    def room(self, nbytes: int) -> np.uint64:
        return np.uint64(self._make_room(nbytes).address)

    def run(self, calls: Sequence[KernelCall], *, root: Path = PACKAGE) -> None:
        kernels = [self._compiler.load(call.source, root=root) for call in calls]
        for call, kernel in zip(calls, kernels, strict=True):
            kernel.check(call.arguments)
        launches = (_Launch * len(calls))()
        alive = [
            _fill(launch, call, kernel) for launch, call, kernel in zip(launches, calls, kernels, strict=True)
        ]  # what the launches point at
        number = next(self._runs)
        with _SharedReport(self._driver) as report, tempfile.TemporaryFile() as output:
            status = self._driver.cuda_on_cpu_run(
                launches, len(calls), number % len(ORDERS), number, LIMIT_S, ctypes.byref(report), output.fileno()
            )
            output.seek(0)
            said = output.read().decode(errors="replace").strip()
            if status != 0:
                raise KernelFault(self._describe(status, report, calls, said))
        del alive
        for room in self._rooms:
            room.check()

    def get(self, address: np.uint64 | int, shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
        kind = np.dtype(dtype)
        nbytes = int(np.prod(shape, dtype=np.int64)) * kind.itemsize
        for room in self._rooms:
            if room.address <= int(address) and int(address) + nbytes <= room.address + room.nbytes:
                start = int(address) - room.address
                return room.content[start : start + nbytes].copy().view(kind).reshape(shape)
        raise ValueError(f"{nbytes} bytes at {int(address):#x} lie in no memory of this test")

    def clear(self) -> None:
        rooms, self._rooms = self._rooms, []
        for room in rooms:
            room.close()

    def _make_room(self, nbytes: int) -> _Room:
        self._rooms.append(_Room(self._driver, nbytes, FILL))
        return self._rooms[-1]

    def _describe(self, status: int, report: _Report, calls: Sequence[KernelCall], said: str) -> str:
        call = calls[report.launch]
        where = f"{call.source}: block {tuple(report.block)}, thread {tuple(report.thread)}"
        problem = report.problem.decode(errors="replace")
        if os.WIFSIGNALED(status):
            number = os.WTERMSIG(status)
            ended = f"does not end within {LIMIT_S} s" if number == signal.SIGALRM else f"ended by signal {number}"
            problem = problem or ended
        if report.fault_address:
            problem += self._nearest(report.fault_address)
        return "\n".join(filter(None, (f"{where}: {problem or 'see below'}", said)))

    def _nearest(self, address: int) -> str:
        """Which memory an illegal address is next to."""
        for room in self._rooms:
            end = room.address + room.nbytes
            if end <= address < end + 2 * PAGE:
                return f", {address - end} bytes behind the end of memory of {room.nbytes} bytes"
            if room.address - 2 * PAGE <= address < room.address:
                return f", {room.address - address} bytes before memory of {room.nbytes} bytes"
        return ", which is in or next to no memory of this test"


class _SharedReport:
    """A report in memory that the child shares."""

    def __init__(self, driver: Any) -> None:
        self._driver = driver

    def __enter__(self) -> _Report:
        self._base = self._driver.cuda_on_cpu_map(PAGE)
        return _Report.from_address(self._base)

    def __exit__(self, *_: object) -> None:
        self._driver.cuda_on_cpu_unmap(self._base, PAGE)


def _fill(launch: _Launch, call: KernelCall, kernel: CpuKernel) -> object:
    """Write a launch; what must live until it has run."""
    values = [np.array(argument) for argument in call.arguments]
    pointers = (ctypes.c_void_p * len(values))(*(value.ctypes.data for value in values))
    launch.call, launch.anchor, launch.dynamic = kernel.call, kernel.anchor, kernel.dynamic
    launch.arguments = ctypes.addressof(pointers)
    launch.grid[:], launch.block[:] = call.grid, call.block
    launch.shared_bytes, launch.dynamic_bytes = call.shared_bytes, MAX_SHARED_BYTES
    return values, pointers
