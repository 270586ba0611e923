"""Everything the runtime needs to know of one model, without opening the ONNX."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from trt_perception.errors import ConfigError
from trt_perception.model.preprocess_options import Layout, PreprocessOptions
from trt_perception.options.option import option

SCHEMA = 1
"""Number of the model YAML's format. A newer number than this is refused."""


class TensorType(str, Enum):
    """Element type of a model's input or output."""

    FLOAT32 = "float32"
    FLOAT16 = "float16"
    INT8 = "int8"
    UINT8 = "uint8"
    INT32 = "int32"
    INT64 = "int64"


class HeadKind(str, Enum):
    """Family of a head: how its outputs are laid out and what they mean."""

    YOLOX = "yolox"
    """One output [1, n, 5 + classes]: x y w h in grid units (w, h as logarithms), objectness, class scores (0 to 1)."""
    YOLOX_DECODED = "yolox_decoded"
    """As yolox, with x y w h already in network pixels."""
    YOLOV5 = "yolov5"
    """One output [1, n, 5 + classes], three predictions a cell: x y w h in network pixels, objectness, class scores."""
    YOLOV7 = "yolov7"
    """As yolov5; of a model with one class objectness alone is the score."""
    YOLOV8 = "yolov8"
    """One output [1, 4 + classes, n]: x y w h in network pixels, class scores (0 to 1). YOLOv8, 9, 11, 12."""
    YOLOV8_SEG = "yolov8_seg"
    """Two outputs: as yolov8 with k mask coefficients behind the scores, and prototypes [1, k, h, w]."""
    YOLOV10 = "yolov10"
    """One output [1, n, 6] of finished boxes: x1 y1 x2 y2 in network pixels, score, class. YOLOv10, YOLO26."""
    RTDETR = "rtdetr"
    """One output [1, queries, 4 + classes]: cx cy w h as fractions of the network's size, class scores (0 to 1)."""
    RTDETR_END_TO_END = "rtdetr_end_to_end"
    """One output [1, queries, 6]: cx cy w h as fractions of the network's size, score, class number."""
    RTDETR_DEPLOY = "rtdetr_deploy"
    """Three outputs: labels [1, k], boxes [1, k, 4] x1 y1 x2 y2 in network pixels, scores [1, k]."""
    DETR_SIGMOID = "detr_sigmoid"
    """Two outputs: logits [1, queries, classes], a sigmoid each, and boxes [1, queries, 4] as of rtdetr."""
    DETR_SOFTMAX = "detr_softmax"
    """As detr_sigmoid with logits [1, queries, classes + 1]: a softmax, the last class meaning no object."""
    EFFICIENT_NMS = "efficient_nms"
    """Outputs num_dets [1, 1], det_boxes [1, n, 4] as x1 y1 x2 y2 in px, det_scores [1, n] and det_classes [1, n]."""
    SEMANTIC_LOGITS = "semantic_logits"
    """One output [1, classes, h, w]: a score a class at any stride; the largest wins."""
    SEMANTIC_CLASS_IDS = "semantic_class_ids"
    """One output [1, h, w] or [1, 1, h, w] of class ids: argmax done in the model."""
    BINARY_MASK = "binary_mask"
    """One output [1, 1, h, w] from 0 to 1, behind a Sigmoid: above 0.5 is the second of two labels."""

    @property
    def is_detection(self) -> bool:
        """Whether the head gives boxes rather than a mask."""
        return self not in (HeadKind.SEMANTIC_LOGITS, HeadKind.SEMANTIC_CLASS_IDS, HeadKind.BINARY_MASK)

    @property
    def has_instances(self) -> bool:
        """Whether the head tells, besides boxes, which object each pixel belongs to."""
        return self is HeadKind.YOLOV8_SEG


class MaskSize(str, Enum):
    """Size of a published mask."""

    CAMERA = "camera"
    """That of the received image."""
    NETWORK = "network"
    """That of the head's output, cut to the part that holds the image."""


@dataclass(frozen=True, kw_only=True)
class InputSpec:
    """One named input of the model.

    Args:
        name: Tensor name.
        shape: Static shape, batch first.
        dtype: Element type.
        preprocess: How an image becomes this tensor.
    """

    name: str = option(description="Tensor name.")
    shape: tuple[int, ...] = option(description="Static shape, batch first, e.g. [1, 3, 416, 416].")
    dtype: TensorType = option(TensorType.FLOAT32, description="Element type.")
    preprocess: PreprocessOptions = option(PreprocessOptions(), description="How an image becomes this tensor.")

    def __post_init__(self) -> None:
        if len(self.shape) != 4 or min(self.shape) < 1:
            raise ConfigError(
                f"inputs.{self.name}.shape",
                f"expected four positive sizes such as [1, 3, 416, 416], got {list(self.shape)}",
            )

    @property
    def width(self) -> int:
        """Network width, px."""
        return self.shape[3] if self.preprocess.layout is Layout.NCHW else self.shape[2]

    @property
    def height(self) -> int:
        """Network height, px."""
        return self.shape[2] if self.preprocess.layout is Layout.NCHW else self.shape[1]

    @property
    def channels(self) -> int:
        """Channels of the tensor: 1 or 3."""
        return self.shape[1] if self.preprocess.layout is Layout.NCHW else self.shape[3]


@dataclass(frozen=True, kw_only=True)
class OutputSpec:
    """One named output of the model."""

    name: str = option(description="Tensor name.")
    shape: tuple[int, ...] = option(description="Static shape, batch first.")
    dtype: TensorType = option(TensorType.FLOAT32, description="Element type.")


@dataclass(frozen=True, kw_only=True)
class HeadSpec:
    """One head: a family, the outputs it reads, and the labels of its classes."""

    name: str = option(description="Name of the head, unique in the model; part of a topic where a model has several.")
    kind: HeadKind = option(description="Family of the head.")
    outputs: tuple[str, ...] = option(description="The outputs it reads, in the family's order.")
    labels: tuple[str, ...] = option((), description="Name of each class, in the model's order.")
    labels_file: str = option(
        "", description="File with the names, in place of `labels`; relative to this file. Empty once loaded."
    )
    strides: tuple[int, ...] = option(
        (8, 16, 32), description="Network pixels a grid cell, finest first, for heads that are not decoded."
    )
    mask_size: MaskSize = option(MaskSize.CAMERA, description="Size of the published mask.")


@dataclass(frozen=True, kw_only=True)
class ModelSpec:
    """One model: where it is, what goes in, what comes out.

    Args:
        name: Name for people and for `vision_info`.
        model: Path of the ONNX (or plan) file, absolute once loaded.
        inputs: Named inputs; most models have one.
        outputs: Named outputs, all of them.
        heads: What the outputs mean.
    """

    schema: int = option(SCHEMA, description="Number of this file's format.")
    name: str = option(description="Name of the model, for people and for vision_info.")
    model: str = option(description="The ONNX file, relative to this file.")
    inputs: tuple[InputSpec, ...] = option(description="Named inputs.")
    outputs: tuple[OutputSpec, ...] = option(description="Named outputs.")
    heads: tuple[HeadSpec, ...] = option(description="What the outputs mean.")
