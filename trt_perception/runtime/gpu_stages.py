"""The stages of one pipeline on the GPU, with the device memory that they work in."""

from __future__ import annotations

from collections.abc import Sequence

from trt_perception.decode.head_kernels import aligned
from trt_perception.kernel_call import KernelCall
from trt_perception.runtime.engine_context import EngineContext
from trt_perception.runtime.frame_graphs import Work
from trt_perception.runtime.frame_plan import FramePlan
from trt_perception.runtime.gpu import Memory
from trt_perception.runtime.stage_events import StageEvents
from trt_perception.runtime.stage_kernels import StageKernels
from trt_perception.thresholds import Thresholds


class GpuStages:
    """Preprocessing, engine, heads and the copy to the host, all on the context's stream, so memory is there once.

    Args:
        context: Where the engine runs; closed with the stages.
        kernels: What runs before and behind it.

    Raises:
        DeviceError: Not enough memory.
    """

    def __init__(self, context: EngineContext, kernels: StageKernels) -> None:
        self.context = context
        self.kernels = kernels
        self._gpu = context.gpu
        self._memory: list[Memory] = []
        self._result: Memory | None = None
        self._limits: tuple[Thresholds, ...] | None = None
        self._addresses = {tensor.name: tensor.address for tensor in context.tensors}
        self._handle = int(context.stream.handle)
        try:
            self._constants = [self._allocate(constants.nbytes) for constants in kernels.constants]
            self._blocks = [self._allocate(head.limits_bytes) if head.limits_bytes else 0 for head in kernels.heads]
            self._workspace = self._allocate(kernels.workspace_bytes)
            for address, constants in zip(self._constants, kernels.constants, strict=True):
                self._gpu.upload(address, constants, context.stream)
            with self._gpu.guard("uploading the tables of a pipeline"):
                context.stream.sync()
        except BaseException:
            self.close()
            raise

    @property
    def result_bytes(self) -> int:
        """Size of the block that results lie in now."""
        return 0 if self._result is None else self._result.nbytes

    def reserve_result(self, nbytes: int) -> None:
        """Make room for results of that size. The stream has to be idle, and what was captured is void.

        Raises:
            DeviceError: Not enough memory.
        """
        result, self._result = self._result, None
        if result is not None:
            self._gpu.free(result)
        self._result = self._gpu.allocate(nbytes)

    def use_limits(self, limits: tuple[Thresholds, ...]) -> None:
        """Let the frames that are enqueued from now on be judged by these limits, one set for each head."""
        if limits is self._limits:
            return
        for kernels, address, thresholds in zip(self.kernels.heads, self._blocks, limits, strict=True):
            if address:
                self._gpu.upload(address, kernels.limits(thresholds), self.context.stream)
        self._limits = limits

    def work(self, plan: FramePlan, pixels: Sequence[int], events: StageEvents | None) -> Work:
        """What one frame asks of the GPU before `fetch`; to be enqueued or captured.

        Args:
            plan: Of the frames.
            pixels: Where each frame's pixels lie.
            events: Where its stages end; None where nobody traces.
        """
        gpu, context = self._gpu, self.context
        assert self._result is not None
        result = self._result.address
        before = self._preprocess_calls(plan, pixels)
        behind = self._decode_calls(plan, result)

        def stamp(event: str, handle: int) -> None:
            if events is not None:
                gpu.stamp(getattr(events, event), handle)

        def enqueue(handle: int) -> None:
            stamp("begun", handle)
            for call in before:
                gpu.launch(call, handle)
            stamp("preprocessed", handle)
            context.enqueue(handle)
            stamp("inferred", handle)
            for call in behind:
                gpu.launch(call, handle)

        return enqueue

    def fetch(self, plan: FramePlan, memory: Memory, events: StageEvents | None) -> None:
        """Enqueue the copy of a frame's result to the host: behind `work` and out of any graph, since it goes elsewhere
        each time.

        Args:
            plan: Of the frames.
            memory: Pinned, where the result goes.
            events: As of `work`.
        """
        assert self._result is not None
        self._gpu.download(memory, self._result.address, self._handle, nbytes=plan.result_bytes)
        if events is not None:
            self._gpu.stamp(events.decoded, self._handle)

    def results(self, plan: FramePlan) -> dict[str, int]:
        """Where each head's result lies on the device, by name, until the next frame's."""
        assert self._result is not None
        names = (head.name for head in self.kernels.spec.heads)
        return {name: self._result.address + offset for name, (offset, _) in zip(names, plan.result_spans, strict=True)}

    def close(self) -> None:
        """Wait for the stream and free everything. Harmless when called twice."""
        self.context.close()
        lost = self._gpu.is_lost()
        if self._result is not None:
            self._memory.append(self._result)
            self._result = None
        while self._memory:
            memory = self._memory.pop()
            if not lost:
                self._gpu.free(memory)

    def _preprocess_calls(self, plan: FramePlan, pixels: Sequence[int]) -> tuple[KernelCall, ...]:
        calls: list[KernelCall] = []
        places = zip(plan.layouts, pixels, self._constants, strict=True)
        for source, kernel, (layout, address, constants) in zip(
            self.kernels.spec.inputs, self.kernels.inputs, places, strict=True
        ):
            tensor = self._addresses[source.name]
            calls += kernel.calls(layout, pixels=address, constants=constants, tensor=tensor)
        return tuple(calls)

    def _decode_calls(self, plan: FramePlan, result: int) -> tuple[KernelCall, ...]:
        calls: list[KernelCall] = []
        for kernels, limits, (offset, _) in zip(self.kernels.heads, self._blocks, plan.result_spans, strict=True):
            calls += kernels.calls(
                self._addresses, plan.transform, limits=limits, workspace=self._workspace, result=result + offset
            )
        return tuple(calls)

    def _allocate(self, nbytes: int) -> int:
        memory = self._gpu.allocate(aligned(nbytes))
        self._memory.append(memory)
        return memory.address
