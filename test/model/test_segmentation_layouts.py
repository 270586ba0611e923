"""Segmentation as people bring it: SegFormer, PIDNet, DDRNet, BiSeNet, TwinLiteNet and YOLOP, by their outputs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from helpers.frames import bgr_frame, scene_image
from helpers.onnx_graph import OnnxGraph
from helpers.tiny_detectors import make_yolov5_onnx
from helpers.tiny_onnx import make_layout_onnx, make_semantic_onnx
from onnx import TensorProto

from trt_perception.model.model_overrides import ModelOverrides
from trt_perception.model.model_spec import HeadKind, MaskSize
from trt_perception.model.preprocess_options import Resize
from trt_perception.model.read_onnx import read_onnx
from trt_perception.model.recognise import Recognition, recognise
from trt_perception.runtime.onnxruntime_backend import OnnxRuntimeBackend
from trt_perception.runtime.pipeline import Pipeline
from trt_perception.segmentation_mask import SegmentationMask

LOGITS, IDS, BINARY = HeadKind.SEMANTIC_LOGITS, HeadKind.SEMANTIC_CLASS_IDS, HeadKind.BINARY_MASK


def _recognise(path: Path, **overrides: object) -> Recognition:
    return recognise(read_onnx(path), ModelOverrides(**overrides))  # type: ignore[arg-type]


LAYOUTS = [
    pytest.param({"logits": (1, 19, 16, 16)}, {"logits": LOGITS}, id="segformer"),
    pytest.param({"output": (1, 19, 8, 8)}, {"output": LOGITS}, id="ddrnet"),
    pytest.param(
        {"x_extra_p": (1, 19, 8, 8), "x_": (1, 19, 8, 8), "x_extra_d": (1, 1, 8, 8)}, {"x_": LOGITS}, id="pidnet"
    ),
    pytest.param(
        {"out": (1, 19, 64, 64), "out16": (1, 19, 64, 64), "out32": (1, 19, 64, 64)}, {"out": LOGITS}, id="bisenet_v1"
    ),
    pytest.param(
        {"logits": (1, 19, 64, 64), "logits_aux2": (1, 19, 64, 64), "logits_aux5_4": (1, 19, 64, 64)},
        {"logits": LOGITS},
        id="bisenet_v2",
    ),
    pytest.param({"out": (1, 21, 64, 64), "aux": (1, 21, 64, 64)}, {"out": LOGITS}, id="torchvision"),
    pytest.param({"da": (1, 2, 64, 64), "ll": (1, 2, 64, 64)}, {"da": LOGITS, "ll": LOGITS}, id="twinlitenet"),
    pytest.param(
        {"drive_area_seg": (1, 2, 64, 64), "lane_line_seg": (1, 2, 64, 64)},
        {"drive_area_seg": LOGITS, "lane_line_seg": LOGITS},
        id="yolop_masks",
    ),
]


@pytest.mark.parametrize(("outputs", "heads"), LAYOUTS)
def test_the_outputs_that_matter_are_heads(
    tmp_path: Path, outputs: dict[str, tuple[int, ...]], heads: dict[str, HeadKind]
) -> None:
    recognition = _recognise(make_layout_onnx(tmp_path / "m.onnx", outputs=outputs))
    assert not recognition.problems
    assert {head.spec.outputs[0]: head.spec.kind for head in recognition.heads} == heads
    for name in outputs.keys() - heads.keys():
        assert f"output {name!r} is not read: auxiliary output for training: its name says so" in (
            recognition.assumptions
        )


@pytest.mark.parametrize(
    ("names", "resize", "mean"),
    [
        (("da", "ll"), Resize.STRETCH, 0.0),
        (("drive_area_seg", "lane_line_seg"), Resize.LETTERBOX, 0.485),
        (("drivable", "lanes"), Resize.STRETCH, 0.485),
    ],
    ids=["twinlitenet", "yolop", "others"],
)
def test_two_road_masks_see_images_as_their_family(
    tmp_path: Path, names: tuple[str, str], resize: Resize, mean: float
) -> None:
    path = make_layout_onnx(tmp_path / "m.onnx", outputs=dict.fromkeys(names, (1, 2, 64, 64)))
    recognition = _recognise(path)
    assert recognition.spec is not None
    assert [head.name for head in recognition.spec.heads] == list(names)
    preprocess = recognition.spec.inputs[0].preprocess
    assert (preprocess.resize, preprocess.mean[0]) == (resize, mean)


def test_yolop_is_a_detector_and_two_masks(tmp_path: Path) -> None:
    recognition = _recognise(make_yolov5_onnx(tmp_path / "m.onnx", classes=1, way="scatter", road_masks=True))
    assert recognition.spec is not None
    assert [(head.name, head.kind) for head in recognition.spec.heads] == [
        ("detection", HeadKind.YOLOV5),
        ("drive_area_seg", LOGITS),
        ("lane_line_seg", LOGITS),
    ]
    preprocess = recognition.spec.inputs[0].preprocess
    assert (preprocess.resize, preprocess.mean[0]) == (Resize.LETTERBOX, 0.485)
    with OnnxRuntimeBackend(recognition.spec) as backend:
        found = Pipeline(recognition.spec, backend).process([bgr_frame(scene_image(60, 120))])
    for name in ("drive_area_seg", "lane_line_seg"):
        mask = found.heads[name]
        assert isinstance(mask, SegmentationMask)
        assert mask.class_ids.shape == (60, 120)


def test_yolop_s_raw_scales_beside_its_boxes_are_not_read(tmp_path: Path) -> None:
    recognition = _recognise(make_yolov5_onnx(tmp_path / "m.onnx", raw_maps=True, road_masks=True))
    assert [head.spec.outputs[0] for head in recognition.heads] == ["output0", "drive_area_seg", "lane_line_seg"]


@pytest.mark.parametrize("dtype", ["uint8", "int8", "int32", "int64"])
@pytest.mark.parametrize("keepdims", [False, True], ids=["b_h_w", "b_1_h_w"])
def test_argmax_in_the_model_gives_ids_of_any_integer(tmp_path: Path, dtype: str, keepdims: bool) -> None:
    path = _cast(make_semantic_onnx(tmp_path / "m.onnx", argmax=True, keepdims=keepdims, stride=8), dtype)
    recognition = _recognise(path)
    assert recognition.spec is not None
    (head,) = recognition.spec.heads
    assert (head.kind, len(head.labels)) == (IDS, 4)
    logits = _recognise(make_semantic_onnx(tmp_path / "logits.onnx", stride=8))
    assert logits.spec is not None
    image = scene_image(64, 64)  # the network's size: a pixel of the mask is a pixel of the network
    masks = []
    for spec in (recognition.spec, logits.spec):
        with OnnxRuntimeBackend(spec) as backend:
            mask = Pipeline(spec, backend).process([bgr_frame(image)]).heads["segmentation"]
        assert isinstance(mask, SegmentationMask)
        masks.append(mask.class_ids)
    assert masks[0].dtype == np.uint8
    assert len(np.unique(masks[0])) > 1
    # Between cells the logits are interpolated and the ids are not: inside blocks of one class they agree.
    assert (masks[0] == masks[1]).mean() > 0.8


def _cast(path: Path, dtype: str) -> Path:
    """The model with its output cast."""
    model = onnx.load(str(path))
    output = model.graph.output[0]
    model.graph.node[-1].output[0] = "inner"
    element = getattr(TensorProto, dtype.upper())
    model.graph.node.append(onnx.helper.make_node("Cast", ["inner"], [output.name], to=element))
    output.type.tensor_type.elem_type = element
    onnx.checker.check_model(model)
    onnx.save(model, str(path))
    return path


def test_ids_as_floating_point_numbers_are_refused_by_name(tmp_path: Path) -> None:
    path = _cast(make_semantic_onnx(tmp_path / "m.onnx", argmax=True, keepdims=True), "float")
    (problem,) = _recognise(path).problems
    assert "class ids as floating-point numbers: not supported yet" in str(problem)
    assert "cast to int32 or uint8" in str(problem)


@pytest.mark.parametrize("activation", ["Softmax", "Sigmoid"])
def test_scores_behind_an_activation_are_scores(tmp_path: Path, activation: str) -> None:
    path = make_semantic_onnx(tmp_path / "m.onnx")
    model = onnx.load(str(path))
    model.graph.node[-1].output[0] = "inner"
    attributes = {"axis": 1} if activation == "Softmax" else {}
    model.graph.node.append(onnx.helper.make_node(activation, ["inner"], ["logits"], **attributes))
    onnx.save(model, str(path))
    recognition = _recognise(path)
    assert [head.spec.kind for head in recognition.heads] == [LOGITS]


@pytest.mark.parametrize(("sigmoid", "kind"), [(False, LOGITS), (True, BINARY)], ids=["logit", "probability"])
def test_one_plane_is_a_mask_where_the_user_says_so(tmp_path: Path, sigmoid: bool, kind: HeadKind) -> None:
    path = _one_plane(tmp_path / "m.onnx", sigmoid=sigmoid)
    (problem,) = _recognise(path).problems
    assert f"cannot be told apart: {kind.value}, (depth map or other numbers)" in str(problem)
    assert f"--head mask={kind.value}" in str(problem)
    recognition = _recognise(path, heads={"mask": kind}, labels={"": ("background", "lane")})
    assert recognition.spec is not None
    assert recognition.spec.heads[0].kind is kind


def test_a_probability_above_one_half_is_a_logit_above_zero(tmp_path: Path) -> None:
    masks = []
    for kind in (LOGITS, BINARY):
        path = _one_plane(tmp_path / f"{kind.value}.onnx", sigmoid=kind is BINARY)
        spec = _recognise(path, heads={"mask": kind}).spec
        assert spec is not None
        spec = replace(spec, heads=(replace(spec.heads[0], mask_size=MaskSize.NETWORK),))  # nothing is interpolated
        with OnnxRuntimeBackend(spec) as backend:
            mask = Pipeline(spec, backend).process([bgr_frame(scene_image(64, 64))]).heads["segmentation"]
        assert isinstance(mask, SegmentationMask)
        masks.append(mask.class_ids)
    assert np.array_equal(masks[0], masks[1])
    assert np.unique(masks[0]).tolist() == [0, 1]


def _one_plane(path: Path, *, sigmoid: bool) -> Path:
    graph = OnnxGraph()
    plane = graph.conv(graph.backbone("images")[4], 8, 1, kernel=1, name="inner" if sigmoid else "mask")
    if sigmoid:
        graph.add("Sigmoid", plane, name="mask")
    return graph.save(path, inputs={"images": (1, 3, 64, 64)}, outputs={"mask": (1, 1, 16, 16)})
