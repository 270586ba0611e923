"""Work for the GPU as plain data: which kernel, how many threads, which arguments.

Preprocessing, decoding and drawing say with these what is to be done; `runtime` compiles and launches it. Making one
needs no GPU and no CUDA package, so the same calls can be run by a stand-in on the CPU.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TypeAlias

import numpy as np

Argument: TypeAlias = np.int32 | np.int64 | np.float32 | np.float64 | np.uint64
"""What a kernel takes: numbers as they are; np.uint64 is an address in device memory."""

Size: TypeAlias = tuple[int, int, int]
"""x, y, z."""

MAX_SHARED_BYTES = 48 * 1024
"""Shared memory of a block that every GPU gives unasked, static and dynamic together."""

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_ARGUMENT_TYPES = (np.int32, np.int64, np.float32, np.float64, np.uint64)
_GRID_LIMITS = (2**31 - 1, 65535, 65535)
_BLOCK_LIMITS = (1024, 1024, 64)
_MAX_THREADS = 1024


@dataclass(frozen=True, kw_only=True)
class KernelSource:
    """One kernel: where it stands, and the constants that it is compiled for.

    Args:
        file: The .cu file relative to the package, e.g. `preprocess/preprocess.cu`.
        function: Name of its `extern "C" __global__` function.
        defines: Names and values of compile-time constants, as `-DNAME=VALUE` gives them. Another value means another
            compilation, so sizes of images are arguments, not defines.

    Raises:
        ValueError: A path that leaves the package, or a name or value that no compiler takes.
    """

    file: str
    function: str
    defines: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        path = PurePosixPath(self.file)
        if path.suffix != ".cu" or path.is_absolute() or ".." in path.parts:
            raise ValueError(f"KernelSource: file must be a .cu file of the package, got {self.file!r}")
        names = [name for name, _ in self.defines]
        for name in (self.function, *names):
            if not _IDENTIFIER.fullmatch(name):
                raise ValueError(f"KernelSource: {self.file}: expected a name of C, got {name!r}")
        if len(set(names)) != len(names):
            raise ValueError(f"KernelSource: {self.file}: defines must be unique, got {', '.join(names)}")
        for name, value in self.defines:
            if not isinstance(value, str) or not value.isprintable():
                raise ValueError(f"KernelSource: {self.file}: {name} must be one line of text, got {value!r}")

    def __str__(self) -> str:
        defines = "".join(f" -D{name}={value}" for name, value in self.defines)
        return f"{self.file}: {self.function}{defines}"


@dataclass(frozen=True, kw_only=True)
class KernelCall:
    """One launch of a kernel. A sequence of calls runs in its order on one stream, with nothing in between.

    Nobody clears memory for a kernel: what it needs cleared, an earlier call clears.

    Args:
        source: The kernel.
        grid: Number of blocks, x y z.
        block: Threads of a block, x y z; at most 1024 together. Kernels may assume warps of 32.
        arguments: In the order of the function's parameters, in exactly its types. Addresses are np.uint64.
        shared_bytes: Dynamic shared memory of a block.

    Raises:
        ValueError: A size beyond CUDA's limits.
        TypeError: An argument of another type: a Python number would leave its width open.
    """

    source: KernelSource
    grid: Size
    block: Size
    arguments: tuple[Argument, ...]
    shared_bytes: int = 0

    def __post_init__(self) -> None:
        for what, size, limits in (("grid", self.grid, _GRID_LIMITS), ("block", self.block, _BLOCK_LIMITS)):
            if len(size) != 3 or not all(1 <= number <= limit for number, limit in zip(size, limits, strict=True)):
                raise ValueError(f"{self.source}: {what} must be 1 to {limits} in x, y, z, got {size}")
        threads = self.block[0] * self.block[1] * self.block[2]
        if threads > _MAX_THREADS:
            raise ValueError(f"{self.source}: a block must have at most {_MAX_THREADS} threads, got {threads}")
        if not 0 <= self.shared_bytes <= MAX_SHARED_BYTES:
            raise ValueError(f"{self.source}: shared_bytes must be 0 to {MAX_SHARED_BYTES}, got {self.shared_bytes}")
        for index, argument in enumerate(self.arguments):
            if type(argument) not in _ARGUMENT_TYPES:
                raise TypeError(
                    f"{self.source}: argument {index} must be {', '.join(kind.__name__ for kind in _ARGUMENT_TYPES)}, "
                    f"got {type(argument).__name__} {argument!r}"
                )
