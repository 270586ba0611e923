"""What work on a GPU takes of its memory, in spite of other processes there."""

from __future__ import annotations

from collections.abc import Callable

from trt_perception.runtime.gpu import Gpu


def least_taken(gpu: Gpu, work: Callable[[], object], *, attempts: int = 5) -> tuple[int, int]:
    """Bytes of the GPU that were gone after the work, and how often it allocated.

    Free memory is the whole GPU's, and other processes take and give. What the work itself takes, it takes every time,
    so the least of several attempts is the work's own at most.
    """
    taken: list[int] = []
    allocations = 0
    for _ in range(attempts):
        free, before = gpu.free_bytes(), gpu.allocations
        work()
        taken.append(free - gpu.free_bytes())
        allocations = max(allocations, gpu.allocations - before)
        if taken[-1] == 0:
            break
    return min(taken, key=abs), allocations
