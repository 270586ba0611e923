"""Small model specs for tests."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from trt_perception.model.model_spec import (
    HeadKind,
    HeadSpec,
    InputSpec,
    MaskSize,
    ModelSpec,
    OutputSpec,
    TensorType,
)
from trt_perception.model.preprocess_options import ChannelOrder, Layout, PreprocessOptions, Resize


def input_spec(
    width: int, height: int, *, dtype: TensorType = TensorType.FLOAT32, name: str = "images", **options: Any
) -> InputSpec:
    """An input of that size; `options` are those of PreprocessOptions."""
    preprocess = PreprocessOptions(**options)
    channels = 1 if preprocess.channel_order is ChannelOrder.MONO else 3
    nchw = preprocess.layout is Layout.NCHW
    shape = (1, channels, height, width) if nchw else (1, height, width, channels)
    return InputSpec(name=name, shape=shape, dtype=dtype, preprocess=preprocess)


def head_spec(
    kind: HeadKind, labels: int | tuple[str, ...], *, name: str = "head", output: str = "output", **options: Any
) -> HeadSpec:
    """A head of one output; a number of labels names them class_0, class_1, ..."""
    names = tuple(f"class_{index}" for index in range(labels)) if isinstance(labels, int) else labels
    return HeadSpec(name=name, kind=kind, outputs=(output,), labels=names, **options)


def model_spec(
    kind: HeadKind,
    shape: tuple[int, ...],
    *,
    labels: int | tuple[str, ...] = 3,
    width: int = 64,
    height: int = 64,
    dtype: TensorType = TensorType.FLOAT32,
    mask_size: MaskSize = MaskSize.CAMERA,
    model: str = "tiny.onnx",
    **options: Any,
) -> ModelSpec:
    """A model of one input, one output of that shape and one head; `options` are those of PreprocessOptions."""
    return ModelSpec(
        name="tiny",
        model=model,
        inputs=(input_spec(width, height, **options),),
        outputs=(OutputSpec(name="output", shape=shape, dtype=dtype),),
        heads=(head_spec(kind, labels, mask_size=mask_size),),
    )


def query_spec(
    kind: HeadKind, *, labels: int = 3, queries: int = 20, boxes: int | None = None, **options: Any
) -> ModelSpec:
    """A model of the families that give class and box of each query in outputs of their own; 64 x 64 pixels.

    Args:
        boxes: Number of boxes, where it is not that of the queries.
    """
    extents = {"boxes": (1, boxes or queries, 4)}
    if kind is HeadKind.RTDETR_DEPLOY:
        shapes: dict[str, tuple[int, ...]] = {"labels": (1, queries), **extents, "scores": (1, queries)}
    else:
        shapes = {"logits": (1, queries, labels + (kind is HeadKind.DETR_SOFTMAX)), **extents}
    integers = {"labels": TensorType.INT64}
    return ModelSpec(
        name="tiny",
        model="tiny.onnx",
        inputs=(input_spec(64, 64, **options),),
        outputs=tuple(
            OutputSpec(name=name, shape=shape, dtype=integers.get(name, TensorType.FLOAT32))
            for name, shape in shapes.items()
        ),
        heads=(replace(head_spec(kind, labels), outputs=tuple(shapes)),),
    )


def tiny_yolox_spec(model: str, *, size: int = 64, classes: int = 3) -> ModelSpec:
    """The spec of helpers.tiny_onnx.make_yolox_onnx."""
    cells = sum((size // stride) ** 2 for stride in (8, 16, 32))
    return model_spec(
        HeadKind.YOLOX,
        (1, cells, 5 + classes),
        labels=classes,
        width=size,
        height=size,
        model=model,
        resize=Resize.LETTERBOX_TOP_LEFT,
        channel_order=ChannelOrder.BGR,
        scale=1.0,
    )
