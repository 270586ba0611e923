"""Engines of real builders, inspected, verified and profiled.

Needs a CUDA GPU, TensorRT (8.6 or newer), onnx, ONNX Runtime and the CUDA packages. Left unchecked: how long a layer
takes, which is the GPU's; that every layer of a real network is quantized, which the accounts and the results show.
"""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from trt_perception.engine.engine_account import read_engine_account
from trt_perception.engine.engine_options import EngineOptions, ShapeProfile
from trt_perception.engine.engine_report import EngineReport, report_engine
from trt_perception.engine.layer_check import check_layers
from trt_perception.engine.make_engine import make_engine
from trt_perception.engine.manifest import read_manifest
from trt_perception.errors import GateError
from trt_perception.model.model_overrides import ModelOverrides
from trt_perception.precision.account import Account
from trt_perception.precision.named_plan import named_plan

pytestmark = pytest.mark.gpu

pytest.importorskip("tensorrt", reason="TensorRT is absent")

from helpers.build_request import make_request  # noqa: E402
from helpers.tiny_onnx import make_yolox_onnx  # noqa: E402

QUICK = EngineOptions(optimization_level=1)


def built(folder: Path, plan: str) -> Path:
    request = dataclasses.replace(make_request(folder, plan=plan), options=QUICK, module="tensorrt")
    return make_engine(request).path


@pytest.fixture(scope="module")
def split(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built(tmp_path_factory.mktemp("split"), "int8_backbone_fp16_head")


@pytest.fixture(scope="module")
def half(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built(tmp_path_factory.mktemp("half"), "fp16")


def regions(report: EngineReport) -> dict[str, dict[str, int]]:
    return {row.region: dict(row.layers) for row in report.regions}


def test_the_split_is_honoured_and_every_conversion_explained(split: Path) -> None:
    report = report_engine(split)
    assert report.check is not None
    assert report.check.not_honoured == {}
    assert report.check.unexplained == {}
    assert regions(report)["backbone"]["int8"] > 0
    assert "int8" not in regions(report)["head"]
    planned = {item.node for item in _account(split).weights}
    assert planned <= {*report.check.honoured, *report.check.undetermined}
    json.dumps(report.to_plain())


def test_an_engine_in_fp16_does_not_pass_for_the_split(split: Path, half: Path) -> None:
    check = check_layers(report_engine(half).layers, _account(split))
    assert set(check.not_honoured) == {item.node for item in _account(split).weights} - set(check.undetermined)
    with pytest.raises(GateError, match="planned int8, computes fp16"):
        check.require()


def test_an_engine_in_fp16_has_no_int8(half: Path) -> None:
    assert not any("int8" in layers for layers in regions(report_engine(half)).values())


def test_a_dynamic_engine_is_inspected_at_its_best_sizes(tmp_path: Path) -> None:
    model = make_yolox_onnx(tmp_path / "open.onnx", announced=("batch", 3, 64, 64))
    sizes = ((1, 3, 64, 64), (2, 3, 64, 64), (4, 3, 64, 64))
    profile = ShapeProfile(input="images", min=sizes[0], opt=sizes[1], max=sizes[2])
    request = dataclasses.replace(
        make_request(tmp_path, plan="fp16"),
        model=model,
        calibration=None,
        out=tmp_path / "open.engine",
        plan=named_plan("fp16"),
        options=dataclasses.replace(QUICK, profiles=(profile,)),
        module="tensorrt",
        overrides=ModelOverrides(shapes={"images": sizes[0]}),
    )
    report = report_engine(make_engine(request).path)
    # TensorRT 8.6 tells no formats of some layers of open shapes, even at fixed sizes.
    convs = [layer for layer in report.layers if "conv" in layer.kind.lower() and layer.precision != "unknown"]
    assert {layer.precision for layer in convs} == {"fp16"}
    assert report.check is not None
    assert report.check.not_honoured == {}


def test_every_layer_is_timed(split: Path) -> None:
    from trt_perception.runtime.profile_engine import profile_engine

    profiled = profile_engine(split, runs=20, warm_up=5)
    known = {layer.name for layer in report_engine(split).layers}
    assert {layer.layer for layer in profiled.profile.layers} <= known
    assert len(profiled.runs) == 20
    assert profiled.profile.p99_ms >= profiled.profile.p50_ms > 0.0
    assert {row.region for row in profiled.profile.regions} >= {"backbone", "neck", "head"}


def _account(engine: Path) -> Account:
    account = read_engine_account(engine, read_manifest(engine))
    assert account is not None
    return account
