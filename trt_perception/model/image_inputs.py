"""Which inputs of an ONNX take images, and of what size."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from trt_perception.model.exporter_facts import ExporterFacts
from trt_perception.model.onnx_model import OnnxModel
from trt_perception.model.preprocess_options import Layout
from trt_perception.model.problem import Problem
from trt_perception.model.tensor_info import TensorInfo

_IMAGE_TYPES = ("float32", "float16", "uint8")
_EXPECTED = "an image input [1,3,h,w] or [1,h,w,3] (1 channel for grey) of float32, float16 or uint8"

_SIZE_REMEDY = (
    "it is the size that boxes are scaled to: make the network's size a constant in its place "
    "(docs/models.md, 'An input for the size', has the lines)"
)


@dataclass(frozen=True, kw_only=True)
class ImageInput:
    """One input that takes an image.

    Args:
        tensor: The input, with static shape.
        layout: Order of its axes.
    """

    tensor: TensorInfo
    layout: Layout

    @property
    def sizes(self) -> tuple[int, int, int, int]:
        """Batch, channels, height, width."""
        batch, first, second, third = self.tensor.sizes or (0, 0, 0, 0)
        return (batch, first, second, third) if self.layout is Layout.NCHW else (batch, third, first, second)


def image_inputs(model: OnnxModel, facts: ExporterFacts) -> tuple[tuple[ImageInput, ...], tuple[Problem, ...]]:
    """The image inputs, and why the model cannot be fed where it cannot."""
    found: list[ImageInput] = []
    problems: list[Problem] = []
    others: list[TensorInfo] = []
    for tensor in model.inputs:
        layout = _layout(tensor)
        if layout is None:
            others.append(tensor)
        elif tensor.sizes is None:
            problems.append(_open_sizes(tensor, layout, facts))
        else:
            found.append(ImageInput(tensor=tensor, layout=layout))
    problems.extend(_batch_problems(found))
    if not found and not problems:
        got = "; ".join(map(str, others)) or "no inputs"
        problems.append(Problem(text=f"expected {_EXPECTED}, got {got}", remedy="export the model that takes images"))
    elif others:
        got = "; ".join(map(str, others))
        remedy = _SIZE_REMEDY if all(map(_is_size, others)) else "export the model without it"
        problems.append(Problem(text=f"expected image inputs only, got also {got}", remedy=remedy))
    return tuple(found), tuple(problems)


def _is_size(tensor: TensorInfo) -> bool:
    """Whether it is like `orig_target_sizes` of RT-DETR and D-FINE: whole numbers [batch, 2]."""
    return tensor.is_integer and tensor.shape is not None and len(tensor.shape) == 2 and tensor.shape[1] == 2


def _layout(tensor: TensorInfo) -> Layout | None:
    """The layout of an image tensor, None for other tensors; a symbolic channel count is taken for NCHW."""
    if tensor.dtype not in _IMAGE_TYPES or tensor.shape is None or len(tensor.shape) != 4:
        return None
    _, first, _, last = tensor.shape
    if first in (1, 3):
        return Layout.NCHW
    if last in (1, 3):
        return Layout.NHWC
    return Layout.NCHW if isinstance(first, str) else None


def _open_sizes(tensor: TensorInfo, layout: Layout, facts: ExporterFacts) -> Problem:
    height, width = facts.image_size or (640, 640)
    usual = (1, 3, height, width) if layout is Layout.NCHW else (1, height, width, 3)
    sizes = [old if isinstance(old, int) else new for old, new in zip(tensor.shape or (), usual, strict=True)]
    example = "x".join(map(str, sizes))
    is_guess = facts.image_size is None and any(
        isinstance(old, str) and new > 3 for old, new in zip(tensor.shape or (), usual, strict=True)
    )
    return Problem(
        text=f"expected static sizes, got input {tensor}",
        remedy=f"give them: --shape {tensor.name}={example}" + (" (for example)" if is_guess else ""),
    )


def _batch_problems(images: list[ImageInput]) -> Iterator[Problem]:
    for image in images:
        if image.sizes[0] != 1:
            yield Problem(
                text=f"expected batch 1, got input {image.tensor}",
                remedy="export the model with batch 1, or with an open batch and give --shape",
            )
