"""2:4 sparsity, against weights that are pruned here."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from helpers.fake_tensorrt import FakeTensorRt
from helpers.onnx_graph import OnnxGraph
from helpers.quantized_graph import quantized
from onnx import numpy_helper

from trt_perception.engine.build_plan import build_plan
from trt_perception.engine.engine_options import EngineOptions
from trt_perception.engine.sparsity_check import check_sparsity
from trt_perception.errors import ConfigError
from trt_perception.precision.precision_plan import PrecisionPlan
from trt_perception.precision.quantize import Emitter

LAYERS = ("second", "third")


def make(path: Path) -> Path:
    """Three convolutions and a Gemm; of the first, three input channels cannot be 2:4 sparse."""
    graph = OnnxGraph()
    last = graph.conv("images", 3, 16, name="first")
    for name in LAYERS:
        last = graph.conv(graph.add("Relu", last), 16, 16, name=name)
    flat = graph.add("Flatten", graph.add("GlobalAveragePool", last))
    weights = np.random.default_rng(0).normal(0, 1, (8, 16)).astype(np.float32)
    graph.add("Gemm", flat, graph.constant(weights, "scores.weight"), name="scores", transB=1)
    return graph.save(path, inputs={"images": (1, 3, 16, 16)}, outputs={"scores": (1, 8)})


def prune(path: Path, names: tuple[str, ...]) -> Path:
    """Zero the first two of every four input channels."""
    model = onnx.load(str(path))
    for tensor in model.graph.initializer:
        if tensor.name in {f"{name}.weight" for name in names}:
            value = numpy_helper.to_array(tensor).copy()
            value[:, 0::4] = value[:, 1::4] = 0
            tensor.CopyFrom(numpy_helper.from_array(value, tensor.name))
    onnx.save(model, str(path))
    return path


def test_tells_sparse_layers_from_dense_ones(tmp_path: Path) -> None:
    check = check_sparsity(prune(make(tmp_path / "m.onnx"), ("second", "scores")))
    assert (check.sparse, check.dense) == (("second", "scores"), ("third",))
    with pytest.raises(ConfigError, match=r"sparsity: expected 2:4 sparse weights, got them in 2 of 3 .* not third"):
        check.require()


@pytest.mark.parametrize("emitter", list(Emitter))
def test_sees_through_the_quantizers_of_weights(emitter: Emitter, tmp_path: Path) -> None:
    model = prune(make(tmp_path / "m.onnx"), (*LAYERS, "scores"))
    graph, _ = quantized(model, PrecisionPlan(), tmp_path, emitter=emitter)
    assert set(check_sparsity(graph).sparse) == {*LAYERS, "scores"}


def test_a_build_for_sparse_weights_refuses_dense_ones(tmp_path: Path) -> None:
    graph, account = quantized(make(tmp_path / "m.onnx"), PrecisionPlan(), tmp_path, emitter=Emitter.FLAGS)
    with pytest.raises(ConfigError, match="in 0 of 3 layers, not second, third, scores; prune the model"):
        build_plan(FakeTensorRt(8), graph, account, EngineOptions(sparsity=True))
    pruned = prune(make(tmp_path / "pruned.onnx"), (*LAYERS, "scores"))
    graph, account = quantized(pruned, PrecisionPlan(), tmp_path, emitter=Emitter.FLAGS)
    trt = FakeTensorRt(8)
    build_plan(trt, graph, account, EngineOptions(sparsity=True))
    assert "SPARSE_WEIGHTS" in trt.config.flags


def test_a_model_that_no_sparse_kernel_serves_is_refused(tmp_path: Path) -> None:
    graph = OnnxGraph()
    graph.conv("images", 3, 8, name="only")
    path = graph.save(tmp_path / "m.onnx", inputs={"images": (1, 3, 8, 8)}, outputs={"only": (1, 8, 8, 8)})
    with pytest.raises(ConfigError, match="got them in 0 of 0 layers"):
        check_sparsity(path).require()
