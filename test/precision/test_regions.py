"""Nodes find their region by the shape of the graph, by name, or both."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import onnx
import pytest
from helpers.demo_network_onnx import make_demo_network_onnx
from helpers.onnx_graph import OnnxGraph
from helpers.tiny_onnx import make_multi_head_onnx, make_semantic_onnx, make_yolov8_onnx, make_yolox_onnx

from trt_perception.errors import ModelError
from trt_perception.precision.graph_cleaning import clean_graph
from trt_perception.precision.graph_view import GraphView
from trt_perception.precision.precision_plan import PrecisionPlan, Region, RegionPatterns, RegionSource
from trt_perception.precision.regions import assign_regions, regions_of_graph

YOLOX_NANO = Path(__file__).resolve().parents[3] / "shared" / "models" / "yolox_nano_coco.onnx"
OF_PREFIX = {
    "backbone": Region.BACKBONE, "neck": Region.NECK, "det_head": Region.HEAD, "seg_head": Region.HEAD,
    "detections": Region.HEAD, "segmentation": Region.HEAD,
}  # fmt: skip
PATTERNS = RegionPatterns(
    backbone=("backbone.*",), neck=("neck.*",), head=("det_head.*", "seg_head.*", "detections", "segmentation")
)


def view_of(path: Path) -> GraphView:
    return GraphView(clean_graph(path).model)


@pytest.mark.parametrize("thermal", [False, True], ids=["one_stream", "two_streams"])
def test_graph_and_names_agree_on_the_demo_network(thermal: bool, tmp_path: Path) -> None:
    view = view_of(make_demo_network_onnx(tmp_path / "demo.onnx", thermal=thermal))
    expected = {node.name: OF_PREFIX[node.name.split(".")[0]] for node in view.nodes}
    by_graph = {name: item.region for name, item in regions_of_graph(view).items()}
    assert by_graph == expected
    by_names = assign_regions(view, PrecisionPlan(regions=RegionSource.NAMES, patterns=PATTERNS))
    assert {name: item.region for name, item in by_names.items()} == expected
    assert all("name fits" in item.reason for item in by_names.values())


def test_names_play_no_part_in_the_graph_s_own_answer(tmp_path: Path) -> None:
    path = make_demo_network_onnx(tmp_path / "demo.onnx")
    named = [item.region for item in regions_of_graph(view_of(path)).values()]
    model = onnx.load(str(path))
    for number, node in enumerate(model.graph.node):
        node.name = f"n{number}"
    onnx.save(model, str(path))
    assert [item.region for item in regions_of_graph(view_of(path)).values()] == named


@pytest.mark.skipif(not YOLOX_NANO.is_file(), reason="../shared/models/yolox_nano_coco.onnx is absent")
def test_finds_the_parts_of_yolox_nano() -> None:
    view = view_of(YOLOX_NANO)
    regions = regions_of_graph(view)
    order = [node.name for node in view.nodes]
    bounds = order.index("Conv_197"), order.index("Conv_299")  # lateral_conv0 of the YOLOPAFPN; first stem of the head
    expected = [Region.BACKBONE] * bounds[0] + [Region.NECK] * (bounds[1] - bounds[0])
    expected += [Region.HEAD] * (len(order) - bounds[1])
    assert [regions[name].region for name in order] == expected


@pytest.mark.parametrize(
    ("make", "first_of_head"),
    [
        pytest.param(make_yolox_onnx, "head.reg.8", id="yolox"),
        pytest.param(partial(make_yolox_onnx, decoded=True, scatter=True), "head.reg.8", id="yolox_decoded"),
        pytest.param(make_yolov8_onnx, "head.box.8", id="yolov8"),
        pytest.param(make_semantic_onnx, "logits", id="semantic"),
        pytest.param(make_multi_head_onnx, "head.reg.8", id="two_heads"),
        pytest.param(
            partial(make_yolox_onnx, announced=("batch", 3, "height", "width")), "head.reg.8", id="open_sizes"
        ),
    ],
)
def test_finds_the_heads_of_networks_without_a_neck(
    make: Callable[[Path], Path], first_of_head: str, tmp_path: Path
) -> None:
    view = view_of(make(tmp_path / "model.onnx"))
    regions = regions_of_graph(view)
    order = [node.name for node in view.nodes]
    split = order.index(first_of_head)
    assert {regions[name].region for name in order[:split]} == {Region.BACKBONE}
    assert {regions[name].region for name in order[split:]} == {Region.HEAD}


def _pyramid(path: Path, *, separate: bool = False) -> Path:
    """A plain top-down pyramid: the finest level comes last. Heads of two layers; outputs by level if `separate`."""
    graph = OnnxGraph()
    features = graph.backbone("images")
    scales = graph.constant(np.float32([1, 1, 2, 2]))
    level, levels = "", {}
    for stride in (32, 16, 8):
        lateral = graph.conv(features[stride], 8, 8, kernel=1, name=f"neck.lateral.{stride}")
        if level:
            up = graph.add("Resize", level, "", scales, name=f"neck.up.{stride}")
            lateral = graph.add("Add", lateral, up, name=f"neck.add.{stride}")
        level = lateral
        levels[stride] = graph.conv(level, 8, 8, name=f"neck.out.{stride}")
    outputs = {}
    for stride, feature in levels.items():
        stem = graph.add("Relu", graph.conv(feature, 8, 8, name=f"head.stem.{stride}"), name=f"head.relu.{stride}")
        outputs[graph.conv(stem, 8, 7, kernel=1, name=f"head.out.{stride}")] = (1, 7, 64 // stride, 64 // stride)
    if not separate:
        flat = [
            graph.add("Reshape", name, graph.constant(np.array([1, 7, -1])), name=f"head.flat.{name}")
            for name in outputs
        ]
        outputs = {graph.add("Concat", *flat, axis=2, name="head.all"): (1, 7, 84)}
    return graph.save(path, inputs={"images": (1, 3, 64, 64)}, outputs=outputs)


@pytest.mark.parametrize("separate", [True, False], ids=["an_output_for_each_level", "one_output"])
def test_finds_the_head_where_the_finest_level_comes_last(separate: bool, tmp_path: Path) -> None:
    regions = regions_of_graph(view_of(_pyramid(tmp_path / "model.onnx", separate=separate)))
    # A pyramid's output layer and a head's first layer look the same on every level: the head may claim both.
    certain = {name: item.region for name, item in regions.items() if not name.startswith("neck.out.")}
    assert {name for name, region in certain.items() if region is Region.HEAD} == {
        name for name in certain if name.startswith("head.")
    }
    assert {name for name, region in certain.items() if region is Region.NECK} == {
        name for name in certain if name.startswith("neck.")
    }


def test_an_input_that_only_scales_the_boxes_is_no_stream(tmp_path: Path) -> None:
    graph = OnnxGraph()
    feature = graph.silu(graph.conv("images", 3, 8, stride=2, name="backbone"))
    flat = graph.add(
        "Reshape", graph.conv(feature, 8, 4, name="head"), graph.constant(np.array([1, 4, -1])), name="flat"
    )
    graph.add("Mul", flat, "scale_factor", name="y")
    inputs = {"images": (1, 3, 8, 8), "scale_factor": (1, 4, 1)}
    view = view_of(graph.save(tmp_path / "model.onnx", inputs=inputs, outputs={"y": (1, 4, 16)}))
    heads = {name for name, item in regions_of_graph(view).items() if item.region is Region.HEAD}
    assert heads == {"head", "flat", "y"}


def test_patterns_come_first_and_the_graph_decides_the_rest(tmp_path: Path) -> None:
    view = view_of(make_demo_network_onnx(tmp_path / "demo.onnx"))
    plan = PrecisionPlan(patterns=RegionPatterns(head=("re:^neck[.]bottom_up",)))
    regions = assign_regions(view, plan)
    assert regions["neck.bottom_up32.conv.Conv"].region is Region.HEAD
    assert regions["neck.down32.conv.Conv"].region is Region.NECK
    assert regions["seg_head.mix.conv.Conv"].region is Region.HEAD


def test_names_alone_must_name_every_node(tmp_path: Path) -> None:
    view = view_of(make_demo_network_onnx(tmp_path / "demo.onnx"))
    plan = PrecisionPlan(regions=RegionSource.NAMES, patterns=RegionPatterns(backbone=("backbone.*",)))
    with pytest.raises(ModelError, match=r"fit no pattern.*neck\.lateral32"):
        assign_regions(view, plan)
