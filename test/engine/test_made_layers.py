"""The finished engine's layers are held against the plan, and the graph that is built has the plan's regions.

What needs a GPU, reading the layers, is done on layers that are written here; test/gpu does the rest.
"""

from __future__ import annotations

import contextlib
import dataclasses
from pathlib import Path
from typing import Any

import onnx
import pytest
from helpers.built_engine import DEMO_MODEL, demo_plan, split_layers
from helpers.fake_builder import FakeBuilder

from trt_perception.engine import engine_origin
from trt_perception.engine import make_engine as module
from trt_perception.engine.engine_files import EngineFiles
from trt_perception.engine.engine_layer import EngineLayer, EngineTensor
from trt_perception.engine.engine_options import EngineOptions
from trt_perception.engine.engine_request import EngineRequest
from trt_perception.engine.features import features_of
from trt_perception.engine.gpu_identity import GpuIdentity
from trt_perception.engine.make_engine import make_engine
from trt_perception.errors import GateError
from trt_perception.precision.calibration_table import CalibrationTable, read_table, write_table
from trt_perception.precision.model_digest import model_sha256
from trt_perception.precision.precision_plan import Precision, Region
from trt_perception.precision.quantize import Emitter, quantize, tensors_to_calibrate

rtx = pytest.importorskip("tensorrt_rtx_bindings", reason="TensorRT-RTX (tensorrt-rtx-cu13-bindings) is absent")

HERE = GpuIdentity(name="NVIDIA L4", compute_capability="8.9")


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def engine_layers(request: EngineRequest, folder: Path) -> list[EngineLayer]:
    """An engine that honours the plan to the letter: a layer a node, of the planned precision."""
    assert request.calibration is not None
    table = read_table(request.calibration)
    account = quantize(request.model, request.plan, table, emitter=Emitter.STRONG, out=folder / "graph.onnx")
    layers = []
    for node in account.nodes:
        tensor = EngineTensor(name=node.name, shape=(1, 8, 8, 8), precision=node.precision.value, format="")
        weights = node.precision.value if node.op_type == "Conv" else None
        layers.append(
            EngineLayer(
                name=node.name,
                kind="CaskConvolution",
                nodes=(node.name,),
                inputs=(tensor,),
                outputs=(tensor,),
                weights=weights,
            )
        )
    return layers


@pytest.fixture
def on_gpu(request_: EngineRequest, builder: FakeBuilder, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """A request for the GPU that is here, and the layers that its engine will have."""
    (tmp_path / "elsewhere").mkdir()
    layers = engine_layers(request_, tmp_path / "elsewhere")
    monkeypatch.setattr(engine_origin, "current_gpu", lambda device: HERE)
    monkeypatch.setattr(module, "open_plan", lambda *_, **__: contextlib.nullcontext())
    monkeypatch.setattr(module, "inspect_engine", lambda trt, engine: tuple(layers))
    return dataclasses.replace(request_, options=EngineOptions()), layers


def test_what_the_engine_honours_is_written_down(on_gpu: Any) -> None:
    request, layers = on_gpu
    made = make_engine(request)
    check = made.manifest.verification
    assert check is not None
    assert {layer.name for layer in layers if layer.weights == "int8"} <= set(check.honoured)
    assert check.not_honoured == {}
    card = EngineFiles(request.out).card.read_text()
    assert f"| honoured | {len(check.honoured)} |" in card
    assert made.manifest.gpu == HERE


def test_an_engine_that_does_not_honour_the_plan_is_not_written(on_gpu: Any, tmp_path: Path) -> None:
    request, layers = on_gpu
    position, layer = next((i, layer) for i, layer in enumerate(layers) if layer.weights == "int8")
    wide = EngineTensor(name=layer.name, shape=(1, 8, 8, 8), precision="fp32", format="")
    layers[position] = dataclasses.replace(layer, inputs=(wide,), weights="fp32")
    with pytest.raises(GateError, match=layer.name) as caught:
        make_engine(request)
    assert caught.value.exit_code == 1
    assert not {"net.engine", "net.engine.json", "net.engine.md", "net.engine.account.json"} & names(tmp_path)


def test_the_layers_of_a_real_engine_of_8_6_1_pass(
    tmp_path: Path, builder: FakeBuilder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What TensorRT 8.6.1 said on an H200 of the demo model's engine, in place of building it."""
    features = dataclasses.replace(features_of(rtx), strongly_typed=False, precision_flags=True)
    for place in (engine_origin, module):
        monkeypatch.setattr(place, "features_of", lambda trt: features)
    monkeypatch.setattr(engine_origin, "current_gpu", lambda device: HERE)
    monkeypatch.setattr(module, "open_plan", lambda *_, **__: contextlib.nullcontext())
    monkeypatch.setattr(module, "inspect_engine", lambda trt, engine: split_layers())
    plan, table = demo_plan(), tmp_path / "ranges.json"
    ranges = dict.fromkeys(tensors_to_calibrate(DEMO_MODEL, plan), 1.0)
    digests = {"model_sha256": model_sha256(DEMO_MODEL), "data_digest": "0" * 64, "preprocess_digest": "0" * 64}
    write_table(CalibrationTable(ranges=ranges, method="max", frames=1, **digests), table)

    made = make_engine(
        EngineRequest(model=DEMO_MODEL, out=tmp_path / "demo.engine", plan=plan, calibration=table, module=rtx.__name__)
    )

    assert made.manifest.emitter == "flags"
    assert made.manifest.verification is not None
    assert made.manifest.verification.not_honoured == {}
    card = EngineFiles(made.path).card.read_text()
    assert "## Layers by region and precision" in card
    assert "| backbone | int8 |" in card
    assert "**not inspected here**" not in card


def test_the_plan_s_regions_are_what_the_engine_was_asked_for(request_: EngineRequest, builder: FakeBuilder) -> None:
    """In the graph that reaches the builder, layers of the INT8 regions alone have quantized weights."""
    make_engine(request_)
    graph = onnx.load_from_string(builder.graphs[0]).graph
    scaled = {node.output[0] for node in graph.node if node.op_type == "DequantizeLinear"}
    layers = {node.name for node in graph.node if node.op_type == "Conv" and node.input[1] in scaled}
    assert layers
    assert request_.plan.precision(Region.HEAD) is Precision.FP16
    assert not [name for name in layers if name.startswith(("det_head", "seg_head"))]
