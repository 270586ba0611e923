"""The work of some frames on one stream, whole and in its parts: the pipeline's own kernels around one context."""

from __future__ import annotations

from typing import Any

import numpy as np

from trt_perception.decode.head_kernels import aligned
from trt_perception.frame import Frame
from trt_perception.kernel_call import KernelCall
from trt_perception.preprocess.frame_layout import FrameLayout
from trt_perception.runtime.bench_engine import shapes_of
from trt_perception.runtime.captured_work import CapturedWork
from trt_perception.runtime.engine_context import EngineContext
from trt_perception.runtime.frame_graphs import Work
from trt_perception.runtime.gpu import Memory
from trt_perception.runtime.head_limits import head_limits
from trt_perception.runtime.inference_pump import InferencePump
from trt_perception.runtime.open_engine import OpenedEngine
from trt_perception.runtime.stage_kernels import StageKernels
from trt_perception.thresholds import Thresholds


class Launchable:
    """What InferencePump wants of a context."""

    def __init__(self, gpu: Any, stream: Any, work: Any) -> None:
        self.gpu, self.stream, self._work = gpu, stream, work

    def launch(self) -> None:
        """Enqueue it once more."""
        self._work()


class FrameWork:
    """Memory, context and calls for `batch` frames at once; of one input, as all networks here have.

    Args:
        opened: The engine; it takes the batch.
        frame: What every frame looks like; its pixels are put onto the device once.
        batch: Frames of one inference.
    """

    def __init__(self, opened: OpenedEngine, frame: Frame, *, batch: int = 1) -> None:
        spec = opened.manifest.spec
        self.gpu = opened.engine.gpu
        self._memory: list[Memory] = []
        self._captured: list[CapturedWork] = []
        self.context = EngineContext(opened.engine, shapes=shapes_of(opened, batch))
        self.stream = self.context.stream
        kernels = StageKernels(spec, opened.engine.tensors)
        plan = kernels.plan([FrameLayout.of(frame)])
        for kernel in plan.sources:
            self.gpu.load_kernel(kernel)
        tensors = {tensor.name: tensor for tensor in self.context.tensors}
        limits = [self._put(head.limits(one)) if head.limits_bytes else 0
                  for head, one in zip(kernels.heads, head_limits(Thresholds(), spec), strict=True)]  # fmt: skip
        constants = self._put(kernels.constants[0])
        workspace = self._room(kernels.workspace_bytes)
        each = aligned(plan.result_bytes)
        self._result = self._room(each * batch)
        self.host = self.gpu.allocate_pinned(each * batch)
        self._memory.append(self.host)
        self._boxes_bytes = sum(
            size for head, (_, size) in zip(spec.heads, plan.result_spans, strict=True) if head.kind.is_detection
        )
        self.before: list[KernelCall] = []
        self.behind: list[KernelCall] = []
        self.boxes: list[KernelCall] = []
        for index in range(batch):
            at = {name: tensor.address + index * tensor.nbytes // batch for name, tensor in tensors.items()}
            pixels = self._put(frame.data[: plan.layouts[0].nbytes])
            source = spec.inputs[0].name
            self.before += kernels.inputs[0].calls(
                plan.layouts[0], pixels=pixels, constants=constants, tensor=at[source]
            )
            for kind, head, limit, (offset, _) in zip(
                spec.heads, kernels.heads, limits, plan.result_spans, strict=True
            ):
                result = self._result + index * each + offset
                calls = head.calls(at, plan.transform, limits=limit, workspace=workspace, result=result)
                self.behind += calls
                self.boxes += calls if kind.kind.is_detection else ()

    def works(self) -> dict[str, tuple[Work, ...]]:
        """By stage: what is one graph, and the copy behind it where there is one, which pipelines leave out."""

        def launch(calls: list[KernelCall]) -> Work:
            def work(handle: int) -> None:
                for call in calls:
                    self.gpu.launch(call, handle)

            return work

        def download(handle: int) -> None:
            self.gpu.download(self.host, self._result, handle)

        def download_boxes(handle: int) -> None:
            self.gpu.download(self.host, self._result, handle, nbytes=self._boxes_bytes)

        def row(*parts: Work) -> Work:
            def work(handle: int) -> None:
                for part in parts:
                    part(handle)

            return work

        before, engine = launch(self.before), self.context.enqueue
        behind, boxes = launch(self.behind), launch(self.boxes)
        return {
            "preprocess": (before,),
            "engine": (engine,),
            "decode": (behind,),
            "decode boxes": (boxes,),
            "download": (download,),
            "whole": (row(before, engine, behind), download),
            "to boxes": (row(before, engine, boxes), download_boxes),
        }

    def pump(self, stage: str) -> InferencePump:
        """A pump of one stage, captured as a graph where that works."""
        work, *copies = self.works()[stage]
        captured = CapturedWork(self.gpu, self.stream, work)
        self._captured.append(captured)
        handle = int(self.stream.handle)

        def launch() -> None:
            captured.launch()
            for copy in copies:
                copy(handle)

        return InferencePump(Launchable(self.gpu, self.stream, launch))  # type: ignore[arg-type]

    def upload_pump(self, frame: Frame) -> InferencePump:
        """A pump that copies the frame's pixels to the device."""
        room = self._room(frame.data.nbytes)

        def copy() -> None:
            self.gpu.upload(room, frame.data, self.stream)

        return InferencePump(Launchable(self.gpu, self.stream, copy))  # type: ignore[arg-type]

    @property
    def notes(self) -> set[str]:
        """What became of the graphs."""
        return {captured.note for captured in self._captured}

    def close(self) -> None:
        """Free everything."""
        with self.gpu.guard("waiting for the last frame"):
            self.stream.sync()
        for captured in self._captured:
            captured.close()
        for memory in self._memory:
            self.gpu.free(memory)
        self.context.close()

    def _room(self, nbytes: int) -> int:
        memory = self.gpu.allocate(aligned(nbytes))
        self._memory.append(memory)
        return memory.address

    def _put(self, array: np.ndarray[Any, Any]) -> int:
        address = self._room(array.nbytes)
        self.gpu.upload(address, np.ascontiguousarray(array), self.stream)
        with self.gpu.guard("putting something onto the device"):
            self.stream.sync()
        return address
