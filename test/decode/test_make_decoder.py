"""Every family has its decoder; a head that does not fit its outputs is refused with expected and got."""

from dataclasses import replace
from typing import Any

import pytest
from helpers.model_specs import model_spec, query_spec

from trt_perception.decode.make_decoder import make_decoder
from trt_perception.errors import ModelError
from trt_perception.model.model_spec import HeadKind, HeadSpec, ModelSpec, OutputSpec, TensorType


def efficient_nms(boxes: int = 9, classes: TensorType = TensorType.INT32) -> ModelSpec:
    shapes = {"num": (1, 1), "boxes": (1, boxes, 4), "scores": (1, 9), "classes": (1, 9)}
    dtypes = {"num": TensorType.INT32, "classes": classes}
    outputs = tuple(
        OutputSpec(name=name, shape=shape, dtype=dtypes.get(name, TensorType.FLOAT32)) for name, shape in shapes.items()
    )
    spec = replace(model_spec(HeadKind.EFFICIENT_NMS, (1, 1)), outputs=outputs)
    return replace(spec, heads=(replace(spec.heads[0], outputs=tuple(shapes)),))


GOOD = {
    HeadKind.EFFICIENT_NMS: efficient_nms(),
    HeadKind.YOLOX: model_spec(HeadKind.YOLOX, (1, 84, 8)),
    HeadKind.YOLOX_DECODED: model_spec(HeadKind.YOLOX_DECODED, (1, 99, 8)),
    HeadKind.YOLOV5: model_spec(HeadKind.YOLOV5, (1, 252, 8)),
    HeadKind.YOLOV7: model_spec(HeadKind.YOLOV7, (1, 252, 8)),
    HeadKind.YOLOV8: model_spec(HeadKind.YOLOV8, (1, 7, 99)),
    HeadKind.YOLOV8_SEG: replace(
        model_spec(HeadKind.YOLOV8_SEG, (1, 4 + 3 + 5, 84)),
        outputs=(
            OutputSpec(name="output", shape=(1, 4 + 3 + 5, 84)),
            OutputSpec(name="prototypes", shape=(1, 5, 16, 16)),
        ),
        heads=(
            HeadSpec(
                name="head",
                kind=HeadKind.YOLOV8_SEG,
                outputs=("output", "prototypes"),
                labels=("class_0", "class_1", "class_2"),
            ),
        ),
    ),
    HeadKind.YOLOV10: model_spec(HeadKind.YOLOV10, (1, 300, 6)),
    HeadKind.RTDETR: model_spec(HeadKind.RTDETR, (1, 20, 7)),
    HeadKind.RTDETR_END_TO_END: model_spec(HeadKind.RTDETR_END_TO_END, (1, 20, 6)),
    HeadKind.RTDETR_DEPLOY: query_spec(HeadKind.RTDETR_DEPLOY),
    HeadKind.DETR_SIGMOID: query_spec(HeadKind.DETR_SIGMOID),
    HeadKind.DETR_SOFTMAX: query_spec(HeadKind.DETR_SOFTMAX),
    HeadKind.SEMANTIC_LOGITS: model_spec(HeadKind.SEMANTIC_LOGITS, (1, 3, 16, 16)),
    HeadKind.SEMANTIC_CLASS_IDS: model_spec(HeadKind.SEMANTIC_CLASS_IDS, (1, 16, 16), dtype=TensorType.UINT8),
    HeadKind.BINARY_MASK: model_spec(HeadKind.BINARY_MASK, (1, 1, 16, 16), labels=2),
}


def with_head(spec: ModelSpec, **changes: Any) -> ModelSpec:
    return replace(spec, heads=(replace(spec.heads[0], **changes),))


def labels(count: int) -> tuple[str, ...]:
    return tuple(f"class_{index}" for index in range(count))


BAD = {
    "yolox_classes": (
        with_head(GOOD[HeadKind.YOLOX], labels=labels(80)),
        r"\[1, n, 85\] for 80 labels, got \[1, 84, 8\]",
    ),
    "yolox_strides": (with_head(GOOD[HeadKind.YOLOX], strides=(8, 16)), r"make 80 cells .* 'output' has 84"),
    "yolox_axes": (model_spec(HeadKind.YOLOX, (84, 8)), r"got \[84, 8\]"),
    "yolox_dtype": (model_spec(HeadKind.YOLOX, (1, 84, 8), dtype=TensorType.INT8), "float32 or float16, got int8"),
    "yolov8_classes": (model_spec(HeadKind.YOLOV8, (1, 84, 99)), r"\[1, 7, n\] for 3 labels"),
    "yolov8_transposed": (model_spec(HeadKind.YOLOV8, (1, 99, 7)), r"\[1, 7, n\]"),
    "efficient_nms_rows": (efficient_nms(boxes=8), r"'scores' must have shape \[1, 8\]"),
    "efficient_nms_classes": (efficient_nms(classes=TensorType.FLOAT32), "'classes' must be int64 or int32"),
    "efficient_nms_outputs": (with_head(efficient_nms(), outputs=("boxes", "scores")), "reads 4 outputs, got 2"),
    "yolov10_columns": (model_spec(HeadKind.YOLOV10, (1, 300, 7)), r"\[1, n, 6\]"),
    "no_labels": (with_head(GOOD[HeadKind.YOLOX], labels=()), "at least one label"),
    "two_outputs": (with_head(GOOD[HeadKind.YOLOX], outputs=("output", "b")), "reads one output, got 2"),
    "no_such_output": (with_head(GOOD[HeadKind.YOLOX], outputs=("boxes",)), "'boxes', which the model does not have"),
    "rtdetr_classes": (model_spec(HeadKind.RTDETR, (1, 20, 8)), r"\[1, queries, 7\] for 3 labels"),
    "rtdetr_columns": (model_spec(HeadKind.RTDETR_END_TO_END, (1, 20, 7)), r"\[1, queries, 6\]"),
    "rtdetr_one_output": (with_head(GOOD[HeadKind.RTDETR_DEPLOY], outputs=("boxes",)), "reads 3 outputs, got 1"),
    "rtdetr_order": (with_head(GOOD[HeadKind.RTDETR_DEPLOY], outputs=("boxes", "labels", "scores")), "must be int64"),
    "detr_order": (with_head(GOOD[HeadKind.DETR_SIGMOID], outputs=("boxes", "logits")), r"\[1, queries, 3\]"),
    "detr_no_object": (with_head(GOOD[HeadKind.DETR_SIGMOID], kind=HeadKind.DETR_SOFTMAX), r"\[1, queries, 4\]"),
    "detr_queries": (query_spec(HeadKind.DETR_SIGMOID, boxes=19), r"'boxes' must have shape \[1, 20, 4\]"),
    "logits_classes": (with_head(GOOD[HeadKind.SEMANTIC_LOGITS], labels=labels(4)), r"\[1, 4, h, w\]"),
    "logits_one_channel": (model_spec(HeadKind.SEMANTIC_LOGITS, (1, 1, 4, 4), labels=1), "background first"),
    "binary_channels": (model_spec(HeadKind.BINARY_MASK, (1, 2, 4, 4), labels=2), r"\[1, 1, h, w\] for 2 labels"),
    "binary_labels": (model_spec(HeadKind.BINARY_MASK, (1, 1, 4, 4), labels=3), "background first"),
    "logits_256_classes": (model_spec(HeadKind.SEMANTIC_LOGITS, (1, 256, 4, 4), labels=256), "at most 255"),
    "ids_256_classes": (with_head(GOOD[HeadKind.SEMANTIC_CLASS_IDS], labels=labels(256)), "at most 255"),
    "ids_float": (model_spec(HeadKind.SEMANTIC_CLASS_IDS, (1, 4, 4)), "must be int64 or"),
    "ids_channels": (model_spec(HeadKind.SEMANTIC_CLASS_IDS, (1, 3, 4, 4), dtype=TensorType.INT32), r"\[1, 1, h, w\]"),
    "ids_axes": (model_spec(HeadKind.SEMANTIC_CLASS_IDS, (4, 4), dtype=TensorType.INT32), r"\[1, h, w\]"),
}


@pytest.mark.parametrize("kind", list(HeadKind), ids=lambda kind: kind.value)
def test_every_family_has_a_decoder(kind: HeadKind) -> None:
    make_decoder(GOOD[kind].heads[0], GOOD[kind])


@pytest.mark.parametrize(("spec", "problem"), BAD.values(), ids=BAD.keys())
def test_a_head_that_does_not_fit_is_refused(spec: ModelSpec, problem: str) -> None:
    with pytest.raises(ModelError, match=problem) as caught:
        make_decoder(spec.heads[0], spec)
    assert str(caught.value).startswith("tiny: head 'head'")


def test_255_classes_fit_a_mask() -> None:
    spec = model_spec(HeadKind.SEMANTIC_LOGITS, (1, 255, 4, 4), labels=255)
    make_decoder(spec.heads[0], spec)
