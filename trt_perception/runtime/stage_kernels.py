"""The work around a model on the GPU as plain data: the kernels before and behind the engine, and their sizes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from trt_perception.decode.head_kernels import aligned
from trt_perception.decode.make_head_kernels import make_head_kernels
from trt_perception.encoding import Encoding
from trt_perception.engine.engine_io import EngineBinding
from trt_perception.errors import FrameError
from trt_perception.kernel_call import KernelSource
from trt_perception.model.model_spec import ModelSpec, TensorType
from trt_perception.preprocess.frame_layout import FrameLayout
from trt_perception.preprocess.image_transform import ImageTransform
from trt_perception.preprocess.preprocess_kernel import PreprocessKernel
from trt_perception.result import HeadResult
from trt_perception.runtime.frame_plan import FramePlan
from trt_perception.runtime.usual_frame import usual_layout

MOST_PLANS = 32
"""Frame layouts that are remembered; more than that, and the first are worked out anew."""


class StageKernels:
    """Describes what runs before and behind the engine. Needs no GPU, holds no state of a frame.

    Args:
        spec: The model.
        tensors: The engine's inputs and outputs, whose element types may differ from the spec's.

    Raises:
        ConfigError: An input is no image.
        ModelError: A head does not fit the model's outputs.
    """

    def __init__(self, spec: ModelSpec, tensors: Sequence[EngineBinding]) -> None:
        wanted = {output.name for output in spec.outputs}
        dtypes = {tensor.name: TensorType(tensor.dtype) for tensor in tensors if tensor.name in wanted}
        self.spec = spec
        self.inputs = tuple(PreprocessKernel(source) for source in spec.inputs)
        self.constants = tuple(kernel.constants() for kernel in self.inputs)
        self._plans: dict[tuple[FrameLayout, ...], FramePlan] = {}
        self.heads = tuple(make_head_kernels(head, spec, dtypes) for head in spec.heads)

    @property
    def workspace_bytes(self) -> int:
        """Scratch of the heads, which take turns in it."""
        return max(head.workspace_bytes for head in self.heads)

    @property
    def fixed_bytes(self) -> int:
        """Device memory that no frame's size changes: constants, limits, workspace."""
        parts = [constants.nbytes for constants in self.constants]
        parts += [head.limits_bytes for head in self.heads]
        return sum(aligned(part) for part in parts) + aligned(self.workspace_bytes)

    def plan(self, layouts: Sequence[FrameLayout]) -> FramePlan:
        """What frames of these layouts mean. What was asked for before is remembered; one thread at a time.

        Raises:
            FrameError: A frame is too small for the crop or for its encoding.
        """
        key = tuple(layouts)
        plan = self._plans.get(key)
        if plan is None:
            if len(self._plans) >= MOST_PLANS:
                self._plans.clear()
            plan = self._plans[key] = self._make_plan(key)
        return plan

    def _make_plan(self, layouts: tuple[FrameLayout, ...]) -> FramePlan:
        first = layouts[0]
        transform = ImageTransform.of(first.width, first.height, self.spec.inputs[0])
        sources: set[KernelSource] = set()
        for kernel, layout in zip(self.inputs, layouts, strict=True):
            sources.update(call.source for call in kernel.calls(layout, pixels=0, constants=0, tensor=0))
        addresses = {output.name: 0 for output in self.spec.outputs}
        spans: list[tuple[int, int]] = []
        offset = 0
        for head in self.heads:
            sources.update(call.source for call in head.calls(addresses, transform, limits=0, workspace=0, result=0))
            spans.append((offset, head.result_bytes(transform)))
            offset += aligned(spans[-1][1])
        return FramePlan(layouts=layouts, transform=transform, result_spans=tuple(spans), sources=frozenset(sources))

    def usual_plan(self, encoding: Encoding = Encoding.BGR8) -> FramePlan:
        """That of Full HD images, or larger ones where the model cuts out of larger ones.

        Raises:
            FrameError: The model takes no such images.
        """
        return self.plan(tuple(usual_layout(source, encoding) for source in self.spec.inputs))

    def sources(self) -> frozenset[KernelSource]:
        """The kernels of every encoding."""
        found: set[KernelSource] = set()
        for encoding in Encoding:
            try:
                found |= self.usual_plan(encoding).sources
            except FrameError:  # it will be said of the first such frame
                continue
        return frozenset(found)

    def read(self, block: NDArray[np.uint8], plan: FramePlan) -> Mapping[str, HeadResult]:
        """The heads' results, by name; masks are parts of the block, boxes are copies.

        Args:
            block: uint8 (result_bytes,), as it came from the device; it must stay as it is.
            plan: Of the frames that it is the result of.

        Raises:
            FrameError: An output cannot be used: NaN, or class ids that do not exist.
        """
        return {
            head.name: kernels.read(block[offset : offset + size], plan.transform)
            for head, kernels, (offset, size) in zip(self.spec.heads, self.heads, plan.result_spans, strict=True)
        }
