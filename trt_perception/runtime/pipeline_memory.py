"""How much memory a pipeline on the GPU takes."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from trt_perception.errors import DeviceError
from trt_perception.model.model_spec import InputSpec, OutputSpec
from trt_perception.runtime.engine_memory import mib
from trt_perception.runtime.open_engine import OpenedEngine
from trt_perception.runtime.result_blocks import MOST_LENT
from trt_perception.runtime.stage_kernels import StageKernels
from trt_perception.runtime.usual_frame import usual_frame_bytes


@dataclass(frozen=True, kw_only=True)
class PipelineMemory:
    """A sum that is known before anything is allocated. What CUDA and TensorRT take for themselves is not in it.

    Args:
        weights_bytes: The engine's weights, shared by all its pipelines: at most the plan's size.
        scratch_bytes: What the execution context computes in.
        tensor_bytes: Inputs and outputs of the model.
        kernel_bytes: Tables, thresholds and scratch of our kernels.
        result_bytes: One frame's results in Full HD.
        frame_bytes: The places that its camera uploads to, shared by the camera's pipelines.
        slots: Frames under way at once; each has a pinned block for its results, and so has each result that is lent.
    """

    weights_bytes: int
    scratch_bytes: int
    tensor_bytes: int
    kernel_bytes: int
    result_bytes: int
    frame_bytes: int
    slots: int

    @staticmethod
    def of(opened: OpenedEngine, kernels: StageKernels, *, slots: int) -> PipelineMemory:
        """That of a pipeline with this engine."""
        spec = kernels.spec
        tensors: list[InputSpec | OutputSpec] = [*spec.inputs, *spec.outputs]
        return PipelineMemory(
            weights_bytes=opened.manifest.plan_bytes,
            scratch_bytes=opened.engine.scratch_bytes,
            tensor_bytes=sum(math.prod(item.shape) * np.dtype(item.dtype.value).itemsize for item in tensors),
            kernel_bytes=kernels.fixed_bytes,
            result_bytes=kernels.usual_plan().result_bytes,
            frame_bytes=slots * usual_frame_bytes() * len(spec.inputs),
            slots=slots,
        )

    @property
    def own_bytes(self) -> int:
        """Device memory of the pipeline alone, without what it shares with others."""
        return self.scratch_bytes + self.tensor_bytes + self.kernel_bytes + self.result_bytes

    @property
    def total_bytes(self) -> int:
        """Device memory of one such pipeline with its engine and its camera."""
        return self.weights_bytes + self.own_bytes + self.frame_bytes

    @property
    def pinned_bytes(self) -> int:
        """Page-locked memory of the host."""
        return (self.slots + MOST_LENT) * self.result_bytes

    def __str__(self) -> str:
        return (
            f"{mib(self.total_bytes)} MiB (weights {mib(self.weights_bytes)}, scratch {mib(self.scratch_bytes)}, "
            f"tensors {mib(self.tensor_bytes)}, kernels {mib(self.kernel_bytes)}, results {mib(self.result_bytes)}, "
            f"frames {mib(self.frame_bytes)}) and {mib(self.pinned_bytes)} MiB of pinned host memory"
        )

    def explain(self, error: DeviceError, free: int) -> DeviceError:
        """The error with the sum, where memory is what was lacking.

        Args:
            error: What went wrong while the pipeline was opened.
            free: Bytes that were free before.
        """
        if "memory" not in str(error).lower() and self.own_bytes + self.frame_bytes <= free:
            return error
        return DeviceError(
            f"{error}; the pipeline takes at least {self}, and {mib(free)} MiB of the GPU were free once the weights "
            "were there: run fewer cameras or models on this GPU",
            is_sticky=error.is_sticky,
        )
