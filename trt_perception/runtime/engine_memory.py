"""How much memory of the GPU an engine takes."""

from __future__ import annotations

from dataclasses import dataclass

from trt_perception.errors import DeviceError
from trt_perception.runtime.gpu import Gpu


@dataclass(frozen=True, kw_only=True)
class EngineMemory:
    """A sum that is known before anything is allocated. What CUDA and TensorRT take for themselves is not in it.

    Args:
        weights_bytes: The weights, once for all contexts: at most the plan's size.
        scratch_bytes: What one context computes in, sized for the largest shapes of the engine.
        tensor_bytes: Inputs and outputs of one context.
        contexts: How many there are.
    """

    weights_bytes: int
    scratch_bytes: int
    tensor_bytes: int
    contexts: int

    @property
    def context_bytes(self) -> int:
        """All contexts together."""
        return self.contexts * (self.scratch_bytes + self.tensor_bytes)

    @property
    def total_bytes(self) -> int:
        """All of it."""
        return self.weights_bytes + self.context_bytes

    def __str__(self) -> str:
        return (
            f"{mib(self.total_bytes)} MiB (weights {mib(self.weights_bytes)}, {self.contexts} contexts of scratch "
            f"{mib(self.scratch_bytes)} and tensors {mib(self.tensor_bytes)})"
        )


def mib(nbytes: int) -> str:
    """Bytes as MiB, for people."""
    return f"{nbytes / 2**20:.1f}"


def lacking(error: DeviceError, purpose: str, gpu: Gpu) -> DeviceError:
    """An error of allocating while frames come, with what it was for.

    Args:
        error: What the allocation said.
        purpose: What was to be there and how large it is.
        gpu: Where.
    """
    if error.is_sticky:
        return error
    free = mib(gpu.free_bytes())
    return DeviceError(f"{error}; {purpose}, and {free} MiB of the GPU are free: run fewer cameras or models on it")
