"""Where tests run kernels: on the CPU by the stand-in for CUDA, or on the GPU, with the same calls."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import DTypeLike, NDArray

from trt_perception.kernel_call import KernelCall
from trt_perception.runtime.kernel_files import PACKAGE

FILL = 0xA5
"""Every byte of a new room, of shared memory at the beginning of a block, and of the guards around rooms."""

ALIGNMENT = 256
"""Of every address."""


class KernelFault(Exception):  # noqa: N818 - a fault of the kernel, which the test is about
    """A kernel did what no kernel may: an illegal address, bytes beside its room, a barrier that not all reach."""


class KernelBench(Protocol):
    """Memory and runs of one test. What a kernel writes outside of its memory is a fault.

    Args:
        name: `cpu` or `gpu`.
    """

    name: str

    def put(self, array: NDArray[Any]) -> np.uint64:
        """Copy an array into memory of its own; where it lies."""

    def room(self, nbytes: int) -> np.uint64:
        """Memory for results, filled with 0xA5."""

    def run(self, calls: Sequence[KernelCall], *, root: Path = PACKAGE) -> None:
        """Run calls in order and wait for their end, then look at the guards.

        Args:
            calls: As the package makes them, with addresses of `put` and `room`.
            root: Where their .cu files lie.

        Raises:
            KernelFault: See there.
        """

    def get(self, address: np.uint64 | int, shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
        """A copy of what lies at an address, which may be inside of a room."""

    def clear(self) -> None:
        """Give all memory back: between the examples of one test. At the end it happens by itself."""
