"""Which layers a builder with precision flags has to pin."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from helpers.demo_network_onnx import make_demo_network_onnx
from helpers.depthwise_onnx import make_depthwise_onnx
from helpers.onnx_graph import OnnxGraph
from helpers.quantized_graph import quantized

from trt_perception.precision.precision_plan import (
    Precision,
    PrecisionPlan,
    RegionPatterns,
    RegionPrecisions,
    RegionSource,
)
from trt_perception.precision.quantize import Emitter

NAMED = RegionPatterns(backbone=("*",))


def pins(model: Path, folder: Path, **plan: object) -> dict[str, Precision]:
    chosen = PrecisionPlan(**{"regions": RegionSource.NAMES, "patterns": NAMED, **plan})
    return dict(quantized(model, chosen, folder, emitter=Emitter.FLAGS)[1].layer_precisions)


def test_leaves_a_depthwise_layer_in_fp16_free_with_its_activation_beside_int8(tmp_path: Path) -> None:
    model = make_depthwise_onnx(tmp_path / "model.onnx")
    assert pins(model, tmp_path, keep_depthwise=True) == {}
    assert pins(model, tmp_path) == {}
    half = RegionPrecisions(backbone=Precision.FP16)
    assert {"depthwise", "depthwise.sigmoid", "depthwise.mul"} <= set(pins(model, tmp_path, precisions=half))


def test_pins_the_activation_with_the_layer_that_stays_out_of_int8(tmp_path: Path) -> None:
    model = make_depthwise_onnx(tmp_path / "model.onnx")
    assert pins(model, tmp_path, keep_fp16=("first",)) == {
        "first": Precision.FP16,
        "first.sigmoid": Precision.FP16,
        "first.mul": Precision.FP16,
    }


def test_the_activation_has_the_precision_of_the_layer_that_is_kept(tmp_path: Path) -> None:
    model = make_depthwise_onnx(tmp_path / "model.onnx")
    assert set(pins(model, tmp_path, keep_fp32=("depthwise",)).items()) == {
        ("depthwise", Precision.FP32),
        ("depthwise.sigmoid", Precision.FP32),
        ("depthwise.mul", Precision.FP32),
    }


def test_stops_at_the_quantizer_of_a_residual_sum(tmp_path: Path) -> None:
    graph = OnnxGraph()
    first = graph.conv("images", 3, 8, name="first")
    second = graph.add("Relu", graph.conv(first, 8, 8, name="second"), name="second.relu")
    total = graph.add("Add", first, second, name="sum")
    graph.conv(graph.add("Relu", total, name="sum.relu"), 8, 8, name="last")
    model = graph.save(tmp_path / "m.onnx", inputs={"images": (1, 3, 16, 16)}, outputs={"last": (1, 8, 16, 16)})
    assert pins(model, tmp_path, keep_fp16=("second",)) == dict.fromkeys(("second", "second.relu"), Precision.FP16)


def test_stops_at_what_is_not_elementwise(tmp_path: Path) -> None:
    graph = OnnxGraph()
    kept = graph.add("Relu", graph.conv("images", 3, 8, name="kept"), name="kept.relu")
    pool = graph.add("MaxPool", kept, name="pool", kernel_shape=[2, 2], strides=[2, 2])
    halved = graph.add("Mul", pool, graph.constant(np.float32(0.5)), name="halved")
    graph.conv(halved, 8, 8, name="last")
    model = graph.save(tmp_path / "m.onnx", inputs={"images": (1, 3, 16, 16)}, outputs={"last": (1, 8, 8, 8)})
    assert pins(model, tmp_path, keep_fp16=("kept",)) == dict.fromkeys(("kept", "kept.relu"), Precision.FP16)


@pytest.mark.parametrize("precision", [Precision.FP16, Precision.FP32])
def test_pins_every_layer_of_a_floating_head_and_none_of_an_int8_trunk(precision: Precision, tmp_path: Path) -> None:
    plan = PrecisionPlan(precisions=RegionPrecisions(head=precision))
    graph = quantized(make_demo_network_onnx(tmp_path / "model.onnx"), plan, tmp_path, emitter=Emitter.FLAGS)
    account = graph[1]
    heads = {node.name for node in account.nodes if node.region.value == "head"}
    assert account.layer_precisions == dict.fromkeys(
        (node.name for node in account.nodes if node.name in heads), precision
    )
