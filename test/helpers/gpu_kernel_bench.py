"""Runs kernels on the GPU."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from helpers.kernel_bench import ALIGNMENT, FILL, KernelFault
from trt_perception.errors import DeviceError
from trt_perception.kernel_call import KernelCall
from trt_perception.runtime.gpu import Gpu, Memory
from trt_perception.runtime.kernel_files import PACKAGE

GUARD = 0x5A
GUARD_BYTES = 16 * ALIGNMENT


@dataclass(frozen=True, kw_only=True)
class _Room:
    memory: Memory
    nbytes: int

    @property
    def address(self) -> int:
        return self.memory.address + GUARD_BYTES


class GpuKernelBench:
    """See `KernelBench`. Illegal addresses end the whole process's CUDA; compute-sanitizer says where they are.

    Args:
        gpu: That of the session.
    """

    name = "gpu"

    def __init__(self, gpu: Gpu) -> None:
        self._gpu = gpu
        self._stream = gpu.make_stream()
        self._rooms: list[_Room] = []

    def put(self, array: NDArray[Any]) -> np.uint64:
        content: NDArray[np.uint8] = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
        return self._make_room(content)

    def room(self, nbytes: int) -> np.uint64:
        return self._make_room(np.full(nbytes, FILL, np.uint8))

    def run(self, calls: Sequence[KernelCall], *, root: Path = PACKAGE) -> None:
        handle = int(self._stream.handle)
        for call in calls:
            self._gpu.load_kernel(call.source, root=root)
        try:
            for call in calls:
                self._gpu.launch(call, handle)
            with self._gpu.guard("running kernels"):
                self._stream.sync()
        except DeviceError as error:
            names = ", ".join(dict.fromkeys(call.source.function for call in calls))
            raise KernelFault(f"{names}: {error}") from error
        for room in self._rooms:
            self._check(room)

    def get(self, address: np.uint64 | int, shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
        kind = np.dtype(dtype)
        nbytes = int(np.prod(shape, dtype=np.int64)) * kind.itemsize
        start = int(address)
        if not any(room.address <= start and start + nbytes <= room.address + room.nbytes for room in self._rooms):
            raise ValueError(f"{nbytes} bytes at {start:#x} lie in no memory of this test")
        return self._read(start, nbytes).view(kind).reshape(shape)

    def clear(self) -> None:
        rooms, self._rooms = self._rooms, []
        for room in rooms if not self._gpu.is_lost() else ():
            self._gpu.free(room.memory)

    def _make_room(self, content: NDArray[np.uint8]) -> np.uint64:
        whole = np.full(GUARD_BYTES * 2 + content.nbytes, GUARD, np.uint8)
        whole[GUARD_BYTES : GUARD_BYTES + content.nbytes] = content
        room = _Room(memory=self._gpu.allocate(whole.nbytes), nbytes=content.nbytes)
        self._rooms.append(room)
        self._gpu.upload(room.memory.address, whole, self._stream)
        self._stream.sync()
        return np.uint64(room.address)

    def _check(self, room: _Room) -> None:
        before = self._read(room.memory.address, GUARD_BYTES)
        after = self._read(room.address + room.nbytes, GUARD_BYTES)
        if (before != GUARD).any():
            distance = GUARD_BYTES - int(np.flatnonzero(before != GUARD)[-1])
            raise KernelFault(f"writes {distance} bytes before memory of {room.nbytes} bytes")
        if (after != GUARD).any():
            distance = int(np.flatnonzero(after != GUARD)[0])
            raise KernelFault(f"writes {distance} bytes behind the end of memory of {room.nbytes} bytes")

    def _read(self, address: int, nbytes: int) -> NDArray[np.uint8]:
        """A copy of device memory. The host's is pageable, which makes the copy wait for itself."""
        content = np.empty(max(1, nbytes), np.uint8)
        if nbytes:
            self._gpu.download(
                Memory(address=content.ctypes.data, nbytes=nbytes, is_pinned=True), address, self._stream
            )
            self._stream.sync()
        return content[:nbytes]
