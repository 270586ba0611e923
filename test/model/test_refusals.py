"""What is not recognised is refused by name, with the `head:` values to choose from where there is a choice."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.tiny_onnx import make_layout_onnx, ultralytics_metadata
from onnx import TensorProto

from trt_perception.model.model_overrides import ModelOverrides
from trt_perception.model.model_spec import HeadKind
from trt_perception.model.read_onnx import read_onnx
from trt_perception.model.recognise import Recognition, recognise

OPEN = ("batch", 3, "height", "width")


def _recognise(path: Path, **overrides: object) -> Recognition:
    given = ModelOverrides(**overrides)  # type: ignore[arg-type]
    return recognise(read_onnx(path, shapes=given.shapes), given)


def _problems(recognition: Recognition) -> str:
    return " | ".join(str(problem) for problem in recognition.problems)


def _layout(
    *, integers: tuple[str, ...] = (), metadata: dict[str, str] | None = None, **outputs: tuple[int, ...]
) -> dict[str, object]:
    return {"outputs": outputs, "integers": integers, "metadata": metadata}


REFUSED = [
    pytest.param(
        _layout(output0=(1, 300, 6)),
        "cannot be told apart: yolov10, rtdetr, rtdetr_end_to_end (",
        "--head output0=yolov10 or --head output0=rtdetr or --head output0=rtdetr_end_to_end",
        id="end_to_end",
    ),
    pytest.param(
        _layout(output=(100, 7)),
        "end-to-end detection in varying number: not supported yet",
        "100 rows of 7 values",
        id="yolov7_with_nms",
    ),
    pytest.param(
        _layout(output0=(1, 300, 84)),
        "cannot be told apart: yolov8, rtdetr (4 + 296 classes over 84 cells",
        "4 + 80 classes for 300 queries; 300 rows are a number of queries",
        id="rt_detr",
    ),
    pytest.param(
        _layout(logits=(1, 300, 91), pred_boxes=(1, 300, 4)),
        "cannot be told apart: detr_sigmoid, detr_softmax",
        "--head logits=detr_sigmoid or --head logits=detr_softmax",
        id="detr",
    ),
    pytest.param(_layout(boxes=(1, 84, 4), scores=(1, 84, 80)), "separate boxes and scores", "", id="split_outputs"),
    pytest.param(
        _layout(integers=("labels",), labels=(300,), boxes=(300, 4), scores=(300,)),
        "finished boxes, scores and labels (torchvision)",
        "",
        id="torchvision",
    ),
    pytest.param(
        _layout(integers=("num_dets",), num_dets=(1, 1), det_boxes=(1, 100, 4), det_scores=(1, 100)),
        "EfficientNMS outputs, not complete: not supported yet",
        "expected count, boxes, scores and classes",
        id="efficient_nms_without_classes",
    ),
    pytest.param(
        _layout(output0=(1, 116, 84), output1=(1, 32, 16, 16)),
        "cannot be told apart: yolov8, yolov8_seg (",
        "--head output0=yolov8 or --head output0=yolov8_seg",
        id="instance_segmentation_of_other_making",
    ),
    pytest.param(
        _layout(a=(1, 144, 8, 8), b=(1, 144, 4, 4), c=(1, 144, 2, 2)),
        "raw feature maps of a detection head",
        "strides 8, 16, 32",
        id="raw_scales",
    ),
    pytest.param(
        _layout(mask=(1, 1, 64, 64)),
        "cannot be told apart: semantic_logits, (depth map or other numbers)",
        "--head mask=semantic_logits",
        id="one_plane",
    ),
    pytest.param(
        _layout(scores=(1, 64, 64, 4)),
        "class scores with the channels last (NHWC): not supported yet",
        "--outputs-as-nchw scores",
        id="channels_last",
    ),
    pytest.param(
        _layout(
            det0=(1, 3, 8, 8, 6),
            det1=(1, 3, 4, 4, 6),
            det2=(1, 3, 2, 2, 6),
            drive_area_seg=(1, 2, 64, 64),
            lane_line_seg=(1, 2, 64, 64),
        ),
        "YOLOv5 or YOLOv7 without its last layer: not supported yet; output 'det0'",
        "export",
        id="yolop_not_joined",
    ),
    pytest.param(
        _layout(p=(1, 19, 8, 8), main=(1, 19, 8, 8), d=(1, 1, 8, 8)),
        "output 'main' float32 [1,19,8,8]: cannot be told apart: semantic_logits, (one of several maps)",
        "--head main=semantic_logits",
        id="pidnet_without_names",
    ),
    pytest.param(
        _layout(logits=(1, 1000)),
        "no head recognised in outputs 'logits' float32 [1,1000]",
        "yolox, yolox_decoded, yolov5",
        id="classifier",
    ),
    pytest.param(_layout(maps=(1, 300, 16, 16)), "no head recognised", "", id="more_classes_than_a_mask_holds"),
    pytest.param(_layout(depth=(1, 64, 64)), "no head recognised", "", id="depth"),
    pytest.param(
        _layout(output0=(1, 7, 84)), "may be yolov8 (", "--head output0=yolov8", id="yolov8_shape_of_other_making"
    ),
    pytest.param(
        _layout(output0=(1, 84, 8)),
        "cannot be told apart: yolox, yolox_decoded",
        "--head output0=yolox or --head output0=yolox_decoded",
        id="yolox_shape_of_other_making",
    ),
    pytest.param(
        _layout(output0=(1, 84, 84)),
        "cannot be told apart: yolox, yolox_decoded, yolov8",
        "--head output0=yolov8",
        id="84_by_84",
    ),
    pytest.param(
        _layout(image=(1, 3, 64, 64)),
        "cannot be told apart: semantic_logits, (a picture)",
        "--head image=semantic_logits",
        id="picture",
    ),
    pytest.param(
        _layout(area=(1, 2, 64, 64), lane=(1, 2, 64, 64)),
        "semantic_logits, (one of several maps)",
        "--head lane=semantic_logits",
        id="two_masks",
    ),
    pytest.param(
        _layout(output0=(1, 7, 84), metadata=ultralytics_metadata(task="pose")),
        "pose estimation (YOLO-pose)",
        "task=detect",
        id="pose",
    ),
    pytest.param(
        _layout(
            output0=(1, 300, 38),
            output1=(1, 32, 16, 16),
            metadata=ultralytics_metadata(task="segment", end2end="True"),
        ),
        "end-to-end instance segmentation (YOLO26-seg, or nms=True): not supported yet",
        "(Ultralytics: end2end=False and no nms;",
        id="end_to_end_segment",
    ),
    pytest.param(
        _layout(output0=(1, 8, 84), metadata=ultralytics_metadata(task="obb")),
        "oriented boxes (YOLO-obb)",
        "",
        id="obb",
    ),
    pytest.param(
        _layout(output0=(1, 3), metadata=ultralytics_metadata(task="classify")),
        "image classification",
        "",
        id="classify",
    ),
    pytest.param(
        _layout(output0=(1, 7, 84), metadata=ultralytics_metadata(task="depth")),
        "Ultralytics task 'depth'",
        "",
        id="task_of_the_future",
    ),
    pytest.param(
        _layout(integers=("labels",), labels=(1, 300), boxes=(1, 300, 4), scores=(1, 300)),
        "may be rtdetr_deploy (300 boxes with class number and score; named as RT-DETR's",
        "--head labels=rtdetr_deploy",
        id="rt_detr_deployment_of_other_making",
    ),
]


@pytest.mark.parametrize(("arguments", "problem", "more"), REFUSED)
def test_refuses_by_name(tmp_path: Path, arguments: dict[str, object], problem: str, more: str) -> None:
    recognition = _recognise(make_layout_onnx(tmp_path / "m.onnx", **arguments))  # type: ignore[arg-type]
    assert recognition.spec is None
    assert problem in _problems(recognition)
    assert more in _problems(recognition)


MISSTATED = [
    pytest.param({"": HeadKind.YOLOV8}, "head: yolov8: expected float [1, 4 + classes, n]", id="nothing_fits"),
    pytest.param(
        {"a": HeadKind.YOLOV8}, "head: yolov8: expected float [1, 4 + classes, n]", id="the_named_does_not_fit"
    ),
    pytest.param({"x": HeadKind.YOLOX}, "a head was given for the output 'x'; outputs are a, b", id="no_such_output"),
    pytest.param(
        {"": HeadKind.SEMANTIC_LOGITS}, "fits 2 outputs; name one: --head a=semantic_logits or --head b=", id="two_fit"
    ),
]


@pytest.mark.parametrize(("heads", "problem"), MISSTATED)
def test_the_user_is_told_what_does_not_fit(tmp_path: Path, heads: dict[str, HeadKind], problem: str) -> None:
    path = make_layout_onnx(tmp_path / "m.onnx", outputs={"a": (1, 2, 64, 64), "b": (1, 2, 64, 64)})
    recognition = _recognise(path, heads=heads)
    assert recognition.spec is None
    assert problem in _problems(recognition)


INPUTS = [
    pytest.param(
        {"tokens": (1, 128)},
        "expected an image input [1,3,h,w] or [1,h,w,3]",
        "'tokens' float32 [1,128]",
        id="no_image",
    ),
    pytest.param(
        {"radar": (1, 5, 64, 64)}, "expected an image input", "'radar' float32 [1,5,64,64]", id="five_channels"
    ),
    pytest.param(
        {"images": (1, 3, 64, 64), "size": (1, 2)},
        "got also 'size' float32 [1,2]",
        "export the model without it",
        id="another_input",
    ),
    pytest.param(
        {"images": (1, 3, 64, 64), "orig_target_sizes": (1, 2)},
        "got also 'orig_target_sizes' int64 [1,2]",
        "make the network's size a constant in its place (docs/models.md, 'An input for the size'",
        id="size_input",
    ),
    pytest.param(
        {"images": (4, 3, 64, 64)},
        "expected batch 1, got input 'images' float32 [4,3,64,64]",
        "batch",
        id="batch_of_four",
    ),
    pytest.param({"images": ("n", 3, 64, 64)}, "expected static sizes", "--shape images=1x3x64x64", id="open_batch"),
    pytest.param({"images": OPEN}, "expected static sizes", "--shape images=1x3x640x640 (for example)", id="all_open"),
    pytest.param({"images": ("n", "h", "w", 3)}, "expected static sizes", "--shape images=1x640x640x3", id="open_nhwc"),
]


@pytest.mark.parametrize(("inputs", "problem", "more"), INPUTS)
def test_refuses_inputs(tmp_path: Path, inputs: dict[str, tuple[int | str, ...]], problem: str, more: str) -> None:
    types = {"orig_target_sizes": TensorProto.INT64}
    path = make_layout_onnx(tmp_path / "m.onnx", inputs=inputs, input_types=types, outputs={"output": (1, 84, 8)})
    recognition = _recognise(path)
    assert recognition.spec is None
    assert problem in _problems(recognition)
    assert more in _problems(recognition)
