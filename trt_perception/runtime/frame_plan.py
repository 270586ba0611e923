"""What one combination of frame layouts means for a pipeline."""

from __future__ import annotations

from dataclasses import dataclass

from trt_perception.kernel_call import KernelSource
from trt_perception.preprocess.frame_layout import FrameLayout
from trt_perception.preprocess.image_transform import ImageTransform


@dataclass(frozen=True, kw_only=True)
class FramePlan:
    """Known of frames before any pixel is.

    Args:
        layouts: Of the frames, one for each input of the model.
        transform: Where the first frame's image lies in the network's input.
        result_spans: Offset and size in bytes of each head's result in the block that comes back.
        sources: The kernels that these frames need.
    """

    layouts: tuple[FrameLayout, ...]
    transform: ImageTransform
    result_spans: tuple[tuple[int, int], ...]
    sources: frozenset[KernelSource]

    @property
    def result_bytes(self) -> int:
        """Size of the block."""
        offset, size = self.result_spans[-1]
        return offset + size
