"""From a config to the engines that it needs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from helpers.tiny_onnx import make_yolox_onnx

from trt_perception.cli.main import main
from trt_perception.engine.engine_options import EngineOptions
from trt_perception.errors import ConfigError, InputError
from trt_perception.precision.precision_plan import Precision, Region
from trt_perception.settings.engine_requests import engine_file, engine_requests
from trt_perception.settings.load_settings import load_settings
from trt_perception.settings.perception_settings import PerceptionSettings


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make_yolox_onnx(tmp_path / "boxes.onnx")
    (tmp_path / "given.engine").touch()
    return tmp_path


def settings(folder: Path, *models: dict[str, Any], used: list[str] | None = None) -> PerceptionSettings:
    names = used or [model["name"] for model in models]
    config = {
        "cameras": [{"name": "front"}],
        "models": list(models),
        "pipelines": [{"name": name, "model": name} for name in names],
    }
    (folder / "perception.yaml").write_text(yaml.safe_dump(config))
    return load_settings(folder / "perception.yaml")


def test_an_engine_lies_beside_the_onnx_where_nothing_else_is_said(folder: Path) -> None:
    (request,) = engine_requests(settings(folder, {"name": "boxes", "spec": "boxes.onnx"}))
    assert request.model == folder / "boxes.onnx"
    assert request.out == folder / "boxes.engine"
    assert (request.plan.name, request.calibration) == ("int8_backbone_fp16_head", None)
    assert (request.options, request.module, request.force) == (EngineOptions(), "tensorrt", False)


def test_a_yaml_leads_to_the_onnx_that_it_names(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "specs").mkdir()
    assert main(["inspect", str(folder / "boxes.onnx"), "--write", str(folder / "specs/boxes.yaml")]) == 0
    config = settings(folder, {"name": "boxes", "spec": "specs/boxes.yaml"})
    assert engine_file(config.models[0]) == folder / "boxes.engine"


def test_everything_that_the_config_says_reaches_the_request(folder: Path) -> None:
    engine = {
        "file": "out/boxes.engine",
        "plan": "fp16",
        "calibration": "boxes.json",
        "builder": {"workspace_mib": 64, "optimization_level": 1},
    }
    config = settings(folder, {"name": "boxes", "spec": "boxes.onnx", "engine": engine})
    (request,) = engine_requests(config, module="tensorrt_rtx_bindings", device=1, force=True)
    assert request.out == folder / "out/boxes.engine"
    assert request.plan.precision(Region.BACKBONE) is Precision.FP16
    assert request.calibration == folder / "boxes.json"
    assert request.options == EngineOptions(workspace_mib=64, optimization_level=1)
    assert (request.module, request.device, request.force) == ("tensorrt_rtx_bindings", 1, True)


def test_nothing_is_built_for_unused_models_and_given_engines(folder: Path) -> None:
    models = [
        {"name": "boxes", "spec": "boxes.onnx"},
        {"name": "given", "spec": "given.engine"},
        {"name": "unused", "spec": "boxes.onnx", "engine": {"plan": "fp32", "file": "unused.engine"}},
    ]
    config = settings(folder, *models, used=["boxes", "given"])
    assert [request.out.name for request in engine_requests(config)] == ["boxes.engine"]
    assert engine_file(config.models[1]) == folder / "given.engine"


def test_models_alike_share_an_engine(folder: Path) -> None:
    models = [{"name": name, "spec": "boxes.onnx"} for name in ("day", "night")]
    assert len(engine_requests(settings(folder, *models))) == 1


def test_two_engines_of_one_name_are_refused(folder: Path) -> None:
    models = [
        {"name": "boxes", "spec": "boxes.onnx"},
        {"name": "exact", "spec": "boxes.onnx", "engine": {"plan": "fp32"}},
    ]
    config = settings(folder, *models)
    with pytest.raises(
        ConfigError, match=r"models\[1\]\.engine\.file: .*boxes\.engine is the engine of model 'boxes' too"
    ):
        engine_requests(config)


def test_an_unknown_plan_is_named_with_its_setting(folder: Path) -> None:
    config = settings(folder, {"name": "boxes", "spec": "boxes.onnx", "engine": {"plan": "int4"}})
    with pytest.raises(
        InputError, match=r"models\[0\]\.engine\.plan: expected a YAML, int8_backbone_fp16_head, .* 'int4'"
    ):
        engine_requests(config)
