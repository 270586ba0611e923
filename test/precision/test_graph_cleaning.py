"""Cleaning changes the graph and not its results."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from helpers.max_ranges import outputs, random_feeds, session
from helpers.onnx_graph import OnnxGraph
from helpers.tiny_onnx import make_multi_head_onnx, make_semantic_onnx, make_yolov8_onnx, make_yolox_onnx

from trt_perception.errors import ModelError
from trt_perception.precision.graph_cleaning import clean_graph

YOLOX_NANO = Path(__file__).resolve().parents[3] / "shared" / "models" / "yolox_nano_coco.onnx"


@pytest.mark.parametrize("opset", [11, 13, 17])
@pytest.mark.parametrize("make", [make_yolox_onnx, make_yolov8_onnx, make_multi_head_onnx, make_semantic_onnx])
def test_gives_the_same_results_at_opset_19(make: Callable[..., Path], opset: int, tmp_path: Path) -> None:
    path = make(tmp_path / "model.onnx", opset=opset)
    cleaned = clean_graph(path, lowest_opset=19)
    assert (cleaned.source_opset, cleaned.opset) == (opset, 19)
    assert cleaned.model.opset_import[0].version == 19
    feeds = random_feeds(path)
    for expected, got in zip(
        outputs(path, feeds), session(cleaned.model.SerializeToString()).run(None, feeds), strict=True
    ):
        np.testing.assert_allclose(got, expected, rtol=1e-6, atol=1e-6)


@pytest.mark.skipif(not YOLOX_NANO.is_file(), reason="../shared/models/yolox_nano_coco.onnx is absent")
def test_brings_yolox_nano_from_opset_11_to_19() -> None:
    cleaned = clean_graph(YOLOX_NANO, lowest_opset=19)
    feeds = random_feeds(YOLOX_NANO, largest=255.0)
    got = session(cleaned.model.SerializeToString()).run(None, feeds)
    np.testing.assert_allclose(got[0], outputs(YOLOX_NANO, feeds)[0], rtol=1e-5, atol=1e-5)
    before = {tensor for node in onnx.load(str(YOLOX_NANO)).graph.node for tensor in node.output}
    assert {tensor for node in cleaned.model.graph.node for tensor in node.output} <= before


def _with_constants(path: Path) -> Path:
    """Weights through an Identity, a bias computed of constants, a branch that leads nowhere, nodes without names."""
    graph = OnnxGraph()
    weight = graph.constant(np.ones((2, 3, 1, 1), np.float32), "weight")
    bias = graph.add("Add", graph.constant(np.float32([1, 2])), graph.constant(np.float32([3, 4])), name="bias")
    graph.add("Conv", "x", graph.add("Identity", weight, name="shared"), bias, name="y")
    graph.add("Relu", "x", name="nowhere")
    graph.save(path, inputs={"x": (1, 3, 4, 4)}, outputs={"y": (1, 2, 4, 4)})
    model = onnx.load(str(path))
    for node in model.graph.node:
        node.name = ""
    onnx.save(model, str(path))
    return path


def test_folds_constants_and_identities_and_drops_what_leads_nowhere(tmp_path: Path) -> None:
    path = _with_constants(tmp_path / "model.onnx")
    cleaned = clean_graph(path)
    assert [node.op_type for node in cleaned.model.graph.node] == ["Conv"]
    assert set(cleaned.folded) == {"Identity_shared", "Add_bias"}
    assert len(cleaned.removed) == 1
    weights = {item.name: onnx.numpy_helper.to_array(item) for item in cleaned.model.graph.initializer}
    np.testing.assert_array_equal(weights["bias"], [4, 6])
    feeds = random_feeds(path)
    np.testing.assert_array_equal(
        session(cleaned.model.SerializeToString()).run(None, feeds)[0], outputs(path, feeds)[0]
    )


def test_every_node_has_a_name_of_its_own(tmp_path: Path) -> None:
    path = make_yolox_onnx(tmp_path / "model.onnx")
    model = onnx.load(str(path))
    for node in model.graph.node:
        node.name = "same"
    onnx.save(model, str(path))
    names = [node.name for node in clean_graph(path).model.graph.node]
    assert len(set(names)) == len(names)


def test_does_not_fold_random_values(tmp_path: Path) -> None:
    graph = OnnxGraph()
    noise = graph.add("RandomUniformLike", graph.constant(np.zeros((1, 3, 4, 4), np.float32)), name="noise")
    graph.add("Add", "x", noise, name="y")
    path = graph.save(tmp_path / "model.onnx", inputs={"x": (1, 3, 4, 4)}, outputs={"y": (1, 3, 4, 4)})
    assert [node.op_type for node in clean_graph(path).model.graph.node] == ["RandomUniformLike", "Add"]


def test_keeps_the_metadata(tmp_path: Path) -> None:
    path = make_yolox_onnx(tmp_path / "model.onnx", opset=11, metadata={"stride": "32"})
    assert [(item.key, item.value) for item in clean_graph(path, lowest_opset=19).model.metadata_props] == [
        ("stride", "32")
    ]


def test_names_the_opset_it_cannot_reach(tmp_path: Path) -> None:
    graph = OnnxGraph()
    graph.add("Gelu", "x", name="y")
    path = graph.save(tmp_path / "model.onnx", inputs={"x": (1, 4)}, outputs={"y": (1, 4)}, opset=20)
    with pytest.raises(ModelError, match="from opset 20 to 17"):
        clean_graph(path, highest_opset=17)
