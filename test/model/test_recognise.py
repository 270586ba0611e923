"""Recognition: each family as its exporters write it, by metadata, by graph, by shape; and everything else refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import onnx
import pytest
from helpers.tiny_onnx import (
    make_layout_onnx,
    make_multi_head_onnx,
    make_semantic_onnx,
    make_yolov8_onnx,
    make_yolox_onnx,
    ultralytics_metadata,
)
from onnx import TensorProto

from trt_perception.errors import ConfigError
from trt_perception.model.model_overrides import ModelOverrides
from trt_perception.model.model_spec import HeadKind
from trt_perception.model.preprocess_options import ChannelOrder, Layout, Resize
from trt_perception.model.read_onnx import read_onnx
from trt_perception.model.recognise import Recognition, recognise

Make = Callable[..., Path]
NANO = Path(__file__).resolve().parents[2].parent / "shared" / "models" / "yolox_nano_coco.onnx"
OPEN = ("batch", 3, "height", "width")


def _recognise(path: Path, **overrides: object) -> Recognition:
    given = ModelOverrides(**overrides)  # type: ignore[arg-type]
    return recognise(read_onnx(path, shapes=given.shapes), given)


def _problems(recognition: Recognition) -> str:
    return " | ".join(str(problem) for problem in recognition.problems)


RECOGNISED = [
    pytest.param(make_yolox_onnx, {}, HeadKind.YOLOX, 3, "undecoded YOLOX", id="yolox"),
    pytest.param(make_yolox_onnx, {"classes": 1}, HeadKind.YOLOX, 1, "5 + 1 classes", id="yolox_of_one_class"),
    pytest.param(make_yolox_onnx, {"size": (64, 96)}, HeadKind.YOLOX, 3, "12x8 + 6x4 + 3x2", id="yolox_not_square"),
    pytest.param(make_yolox_onnx, {"opset": 11}, HeadKind.YOLOX, 3, "undecoded", id="yolox_opset_11"),
    pytest.param(make_yolox_onnx, {"decoded": True}, HeadKind.YOLOX_DECODED, 3, "Exp, Mul and Add", id="yolox_decoded"),
    pytest.param(
        make_yolox_onnx, {"decoded": True, "scatter": True}, HeadKind.YOLOX_DECODED, 3, "Exp", id="yolox_by_scatter"
    ),
    pytest.param(make_yolov8_onnx, {}, HeadKind.YOLOV8, 3, "boxes and Sigmoid scores", id="yolov8_by_graph"),
    pytest.param(make_yolov8_onnx, {"classes": 80}, HeadKind.YOLOV8, 80, "4 + 80 classes", id="yolov8_84_by_84"),
    pytest.param(
        make_yolov8_onnx,
        {"metadata": ultralytics_metadata()},
        HeadKind.YOLOV8,
        3,
        "task=detect",
        id="yolov8_by_metadata",
    ),
    pytest.param(
        make_yolov8_onnx, {"masks": 5}, HeadKind.YOLOV8_SEG, 3, "coefficients joined last", id="yolov8_seg_by_graph"
    ),
    pytest.param(
        make_yolov8_onnx,
        {"masks": 5, "size": (64, 96), "metadata": ultralytics_metadata(task="segment", size=(64, 96))},
        HeadKind.YOLOV8_SEG,
        3,
        "4 + 3 classes + 5 mask coefficients over 126 cells = 12x8 + 6x4 + 3x2, prototypes on 24x16 cells",
        id="yolov8_seg_by_metadata",
    ),
    pytest.param(
        make_semantic_onnx, {}, HeadKind.SEMANTIC_LOGITS, 4, "4 classes on 16x16 cells, stride 4", id="logits"
    ),
    pytest.param(make_semantic_onnx, {"stride": 16}, HeadKind.SEMANTIC_LOGITS, 4, "stride 16", id="logits_stride_16"),
    pytest.param(make_semantic_onnx, {"argmax": True}, HeadKind.SEMANTIC_CLASS_IDS, 4, "ArgMax over 4", id="class_ids"),
    pytest.param(
        make_semantic_onnx, {"argmax": True, "keepdims": True}, HeadKind.SEMANTIC_CLASS_IDS, 4, "ArgMax", id="keepdims"
    ),
]


@pytest.mark.parametrize(("make", "arguments", "kind", "classes", "reason"), RECOGNISED)
def test_recognises(
    tmp_path: Path, make: Make, arguments: dict[str, object], kind: HeadKind, classes: int, reason: str
) -> None:
    recognition = _recognise(make(tmp_path / "m.onnx", **arguments))
    assert not recognition.problems
    assert recognition.spec is not None
    (head,) = recognition.heads
    assert (head.spec.kind, len(head.spec.labels)) == (kind, classes)
    assert reason in head.reason
    assert recognition.spec.heads == (head.spec,)


@pytest.mark.parametrize(
    ("outputs", "kind"),
    [({"output0": (1, 64, 64)}, HeadKind.SEMANTIC_CLASS_IDS), ({"output0": (1, 3, 64, 64)}, HeadKind.SEMANTIC_LOGITS)],
    ids=["argmax", "logits"],
)
def test_semantic_models_of_ultralytics_see_images_as_its_others_do(
    tmp_path: Path, outputs: dict[str, tuple[int, ...]], kind: HeadKind
) -> None:
    integers = ["output0"] if kind is HeadKind.SEMANTIC_CLASS_IDS else []
    metadata = ultralytics_metadata(task="semantic")
    recognition = _recognise(
        make_layout_onnx(tmp_path / "m.onnx", outputs=outputs, integers=integers, metadata=metadata)
    )
    assert recognition.spec is not None
    assert recognition.assumptions == ()
    assert (recognition.spec.heads[0].kind, len(recognition.spec.heads[0].labels)) == (kind, 3)
    preprocess = recognition.spec.inputs[0].preprocess
    assert (preprocess.resize, preprocess.mean) == (Resize.LETTERBOX, (0.0, 0.0, 0.0))


@pytest.mark.skipif(not NANO.exists(), reason="../shared/models is not here")
def test_recognises_the_real_yolox_nano() -> None:
    recognition = _recognise(NANO)
    assert recognition.spec is not None
    (head,) = recognition.spec.heads
    assert (head.kind, head.outputs, head.strides) == (HeadKind.YOLOX, ("output",), (8, 16, 32))
    assert head.labels == tuple(f"class_{number}" for number in range(80))
    (image,) = recognition.spec.inputs
    assert (image.name, image.width, image.height) == ("images", 416, 416)
    preprocess = image.preprocess
    assert (preprocess.channel_order, preprocess.scale, preprocess.mean, preprocess.std) == (
        ChannelOrder.BGR,
        1.0,
        (0.0, 0.0, 0.0),
        (1.0, 1.0, 1.0),
    )
    assert (preprocess.resize, preprocess.pad_value) == (Resize.LETTERBOX_TOP_LEFT, 114)
    assert "3549 cells = 52x52 + 26x26 + 13x13" in recognition.heads[0].reason
    assert any("BGR 0 to 255" in assumption for assumption in recognition.assumptions)


def test_yolov8_preprocessing_is_known_from_its_exporter(tmp_path: Path) -> None:
    recognition = _recognise(make_yolov8_onnx(tmp_path / "m.onnx", metadata=ultralytics_metadata()))
    assert recognition.assumptions == ()
    assert recognition.spec is not None
    preprocess = recognition.spec.inputs[0].preprocess
    assert (preprocess.resize, preprocess.channel_order, preprocess.pad_value) == (
        Resize.LETTERBOX,
        ChannelOrder.RGB,
        114,
    )
    assert preprocess.scale == pytest.approx(1 / 255)
    assert recognition.spec.heads[0].labels == ("thing_0", "thing_1", "thing_2")


def test_guessed_preprocessing_is_an_assumption(tmp_path: Path) -> None:
    recognition = _recognise(make_semantic_onnx(tmp_path / "m.onnx"))
    assert any("mean [0.485, 0.456, 0.406]" in assumption for assumption in recognition.assumptions)
    given = _recognise(tmp_path / "m.onnx", preprocess={"scale": 1.0})
    assert any("0 to 255" in text and "(scale: as given)" in text for text in given.assumptions)


def test_several_heads_in_one_model(tmp_path: Path) -> None:
    recognition = _recognise(make_multi_head_onnx(tmp_path / "m.onnx"))
    assert recognition.spec is not None
    assert [(head.name, head.kind, head.outputs) for head in recognition.spec.heads] == [
        ("detection", HeadKind.YOLOX, ("detections",)),
        ("segmentation", HeadKind.SEMANTIC_LOGITS, ("segmentation",)),
    ]
    # The detector's convention is surer than the guess for segmentation, and there is one image.
    assert recognition.spec.inputs[0].preprocess.channel_order is ChannelOrder.BGR


def test_labels_go_to_the_head_with_as_many_classes(tmp_path: Path) -> None:
    path = make_multi_head_onnx(tmp_path / "m.onnx", classes=2, mask_classes=3)
    recognition = _recognise(path, labels={"": ("a", "b", "c"), "detection": ("x", "y")})
    assert recognition.spec is not None
    assert [head.labels for head in recognition.spec.heads] == [("x", "y"), ("a", "b", "c")]


def test_arithmetic_on_the_image_is_pointed_out(tmp_path: Path) -> None:
    recognition = _recognise(make_yolox_onnx(tmp_path / "m.onnx"))  # the tiny model has its factor 1/255 in the graph
    assert any("the graph computes Mul on input 'images'" in text for text in recognition.assumptions)
    assert not any(
        "the graph computes" in text for text in _recognise(make_yolov8_onnx(tmp_path / "b.onnx")).assumptions
    )


def _layout(
    *, integers: tuple[str, ...] = (), metadata: dict[str, str] | None = None, **outputs: tuple[int, ...]
) -> dict[str, object]:
    return {"outputs": outputs, "integers": integers, "metadata": metadata}


STATED = [
    pytest.param(
        {"output0": HeadKind.YOLOX_DECODED}, _layout(output0=(1, 84, 8)), HeadKind.YOLOX_DECODED, id="by_name"
    ),
    pytest.param({"": HeadKind.YOLOX}, _layout(output0=(1, 84, 8)), HeadKind.YOLOX, id="without_a_name"),
    pytest.param(
        {"": HeadKind.YOLOV8}, _layout(output0=(1, 7, 84), features=(1, 9)), HeadKind.YOLOV8, id="the_one_that_fits"
    ),
    pytest.param(
        {"": HeadKind.YOLOV8},
        _layout(output0=(1, 7, 84), metadata=ultralytics_metadata(task="pose")),
        HeadKind.YOLOV8,
        id="against_the_exporter",
    ),
    pytest.param(
        {"lane": HeadKind.SEMANTIC_LOGITS},
        _layout(area=(1, 2, 64, 64), lane=(1, 2, 64, 64)),
        HeadKind.SEMANTIC_LOGITS,
        id="one_of_two",
    ),
]


@pytest.mark.parametrize(("heads", "arguments", "kind"), STATED)
def test_the_user_has_the_last_word(
    tmp_path: Path, heads: dict[str, HeadKind], arguments: dict[str, object], kind: HeadKind
) -> None:
    recognition = _recognise(make_layout_onnx(tmp_path / "m.onnx", **arguments), heads=heads)  # type: ignore[arg-type]
    assert not recognition.problems
    assert [head.spec.kind for head in recognition.heads] == [kind]
    assert f"`head: {kind.value}` was given" in recognition.heads[0].reason


def test_the_example_shape_is_that_of_the_exporter(tmp_path: Path) -> None:
    metadata = ultralytics_metadata(size=(64, 96))
    recognition = _recognise(make_yolov8_onnx(tmp_path / "m.onnx", announced=OPEN, metadata=metadata))
    assert _problems(recognition).endswith("give them: --shape images=1x3x64x96")


@pytest.mark.parametrize(
    ("make", "name"),
    [(make_yolox_onnx, "images"), (make_yolov8_onnx, "images"), (make_semantic_onnx, "input")],
    ids=["yolox", "yolov8", "semantic"],
)
def test_a_given_shape_makes_an_open_model_usable(tmp_path: Path, make: Make, name: str) -> None:
    recognition = _recognise(make(tmp_path / "m.onnx", announced=OPEN), shapes={name: (1, 3, 64, 64)})
    static = _recognise(make(tmp_path / "s.onnx"))
    assert recognition.spec is not None
    assert static.spec is not None
    assert recognition.spec.outputs == static.spec.outputs
    assert recognition.spec.heads == static.spec.heads


@pytest.mark.parametrize(
    ("inputs", "types", "layout", "order", "scale"),
    [
        pytest.param({"x": (1, 64, 64, 3)}, {}, Layout.NHWC, ChannelOrder.BGR, 1.0, id="nhwc"),
        pytest.param({"x": (1, 1, 64, 64)}, {}, Layout.NCHW, ChannelOrder.MONO, 1.0, id="grey"),
        pytest.param({"x": (1, 3, 64, 64)}, {"x": TensorProto.UINT8}, Layout.NCHW, ChannelOrder.BGR, 1.0, id="bytes"),
    ],
)
def test_the_tensor_shapes_the_preprocessing(
    tmp_path: Path,
    inputs: dict[str, tuple[int | str, ...]],
    types: dict[str, int],
    layout: Layout,
    order: ChannelOrder,
    scale: float,
) -> None:
    path = make_layout_onnx(tmp_path / "m.onnx", inputs=inputs, input_types=types, outputs={"output": (1, 84, 8)})
    recognition = _recognise(path, heads={"": HeadKind.YOLOX})
    assert recognition.spec is not None
    preprocess = recognition.spec.inputs[0].preprocess
    assert (preprocess.layout, preprocess.channel_order, preprocess.scale) == (layout, order, scale)
    assert (recognition.spec.inputs[0].width, recognition.spec.inputs[0].height) == (64, 64)


def test_bytes_are_not_normalised(tmp_path: Path) -> None:
    path = make_layout_onnx(
        tmp_path / "m.onnx", input_types={"images": TensorProto.UINT8}, outputs={"output": (1, 4, 32, 32)}
    )
    recognition = _recognise(path)
    assert recognition.spec is not None
    preprocess = recognition.spec.inputs[0].preprocess
    assert (preprocess.scale, preprocess.mean, preprocess.std) == (1.0, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0))


def test_class_ids_without_a_known_number_of_classes_need_labels(tmp_path: Path) -> None:
    path = make_layout_onnx(tmp_path / "m.onnx", outputs={"ids": (1, 64, 64)}, integers=["ids"])
    assert "expected labels, got none" in _problems(_recognise(path))
    recognition = _recognise(path, labels={"": ("road", "lane")})
    assert recognition.spec is not None
    assert recognition.spec.heads[0].labels == ("road", "lane")


@pytest.mark.parametrize(
    ("metadata", "labels", "problem"),
    [
        pytest.param(None, {"": ("a", "b")}, "expected 3 labels, one for each class of its output, got 2", id="given"),
        pytest.param(ultralytics_metadata(classes=5), {}, "expected 3 labels", id="exported"),
        pytest.param(
            None,
            {"lanes": ("a",)},
            "labels were given for 'lanes'; heads and outputs are detection, output0",
            id="name",
        ),
        pytest.param(None, {"": ("a", "", "c")}, "label 1 is empty", id="empty"),
    ],
)
def test_labels_must_fit(
    tmp_path: Path, metadata: dict[str, str] | None, labels: dict[str, tuple[str, ...]], problem: str
) -> None:
    recognition = _recognise(make_yolov8_onnx(tmp_path / "m.onnx", metadata=metadata), labels=labels)
    assert recognition.spec is None
    assert problem in _problems(recognition)


def test_unreadable_metadata_is_reported_and_not_used(tmp_path: Path) -> None:
    metadata = {**ultralytics_metadata(), "names": "{0: open("}
    recognition = _recognise(make_yolov8_onnx(tmp_path / "m.onnx", metadata=metadata))
    assert "metadata 'names' cannot be read and was not used" in recognition.assumptions
    assert recognition.spec is not None
    assert recognition.spec.heads[0].labels == ("class_0", "class_1", "class_2")


def test_heads_that_see_images_differently_need_a_word(tmp_path: Path) -> None:
    path = make_layout_onnx(tmp_path / "m.onnx", outputs={"x": (1, 84, 8), "y": (1, 7, 84)})
    heads = {"x": HeadKind.YOLOX, "y": HeadKind.YOLOV8}
    assert "heads yolox, yolov8 usually take different images" in _problems(_recognise(path, heads=heads))
    recognition = _recognise(path, heads=heads, preprocess={"channel_order": "rgb"})
    assert recognition.spec is not None
    assert [head.name for head in recognition.spec.heads] == ["x", "y"]


def test_a_wrong_preprocess_field_is_a_config_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="preprocess: unknown key 'scales'; did you mean 'scale'"):
        _recognise(make_yolox_onnx(tmp_path / "m.onnx"), preprocess={"scales": 1.0})


def test_extra_feature_maps_beside_a_head_are_left_unread(tmp_path: Path) -> None:
    path = make_yolov8_onnx(tmp_path / "m.onnx")
    model = onnx.load(str(path))
    for stride in (8, 16):
        shape = (1, 16, 64 // stride, 64 // stride)
        model.graph.output.append(onnx.helper.make_tensor_value_info(f"head.box.{stride}", TensorProto.FLOAT, shape))
    onnx.save(model, str(path))
    recognition = _recognise(path)
    assert recognition.spec is not None
    assert [head.kind for head in recognition.spec.heads] == [HeadKind.YOLOV8]
    assert len(recognition.spec.outputs) == 3
    assert any("output 'head.box.8' is not read: raw feature maps" in text for text in recognition.assumptions)


def test_instance_segmentation_has_one_head_of_two_outputs(tmp_path: Path) -> None:
    path = make_yolov8_onnx(tmp_path / "m.onnx", masks=5)
    model = onnx.load(str(path))
    outputs = list(model.graph.output)
    del model.graph.output[:]
    model.graph.output.extend(reversed(outputs))  # the order in the file says nothing
    onnx.save(model, str(path))
    recognition = _recognise(path)
    assert recognition.spec is not None
    (head,) = recognition.spec.heads
    assert (head.name, head.outputs) == ("detection", ("output0", "output1"))
    assert recognition.spec.inputs[0].preprocess.resize is Resize.LETTERBOX


@pytest.mark.parametrize("stated", ["output0", "output1", ""])
def test_instance_segmentation_can_be_stated_by_either_output(tmp_path: Path, stated: str) -> None:
    path = make_layout_onnx(tmp_path / "m.onnx", outputs={"output1": (1, 32, 16, 16), "output0": (1, 39, 84)})
    assert "--head output0=yolov8_seg" in _problems(_recognise(path))
    recognition = _recognise(path, heads={stated: HeadKind.YOLOV8_SEG})
    assert recognition.spec is not None
    assert recognition.spec.heads[0].outputs == ("output0", "output1")
    assert recognition.assumptions[0].startswith("head 'detection': nothing names its classes, 3 in number")


def test_a_detector_beside_a_map_is_no_instance_segmentation(tmp_path: Path) -> None:
    path = make_yolov8_onnx(tmp_path / "m.onnx", classes=12)
    model = onnx.load(str(path))
    value = onnx.helper.make_tensor_value_info("classes", TensorProto.FLOAT, (1, 4, 16, 16))
    model.graph.output.append(value)
    onnx.save(model, str(path))
    recognition = _recognise(path)
    assert [head.spec.kind for head in recognition.heads] == [HeadKind.YOLOV8, HeadKind.SEMANTIC_LOGITS]


@pytest.mark.parametrize("steps", [("Cast", "Cast"), ("QuantizeLinear", "DequantizeLinear")], ids=["casts", "qdq"])
def test_precision_nodes_do_not_hide_a_head(tmp_path: Path, steps: tuple[str, str]) -> None:
    path = make_yolox_onnx(tmp_path / "m.onnx")
    model = onnx.load(str(path))
    last = model.graph.node[-1]
    last.output[0] = "inner"
    if steps[0] == "Cast":
        model.graph.node.append(onnx.helper.make_node("Cast", ["inner"], ["half"], to=TensorProto.FLOAT16))
        model.graph.node.append(onnx.helper.make_node("Cast", ["half"], ["output"], to=TensorProto.FLOAT))
    else:
        model.graph.initializer.append(onnx.helper.make_tensor("scale", TensorProto.FLOAT, [], [0.1]))
        model.graph.initializer.append(onnx.helper.make_tensor("zero", TensorProto.INT8, [], [0]))
        model.graph.node.append(onnx.helper.make_node("QuantizeLinear", ["inner", "scale", "zero"], ["byte"]))
        model.graph.node.append(onnx.helper.make_node("DequantizeLinear", ["byte", "scale", "zero"], ["output"]))
    onnx.checker.check_model(model)
    onnx.save(model, str(path))
    assert [head.spec.kind for head in _recognise(path).heads] == [HeadKind.YOLOX]
