"""`trt-perception build` as a user meets it."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest
import yaml
from helpers.build_request import CAPABILITY, RTX, make_request
from helpers.inspected_tensorrt import GPU, PLAN, fake_tensorrt
from helpers.tiny_onnx import make_yolox_onnx

from trt_perception.cli.build_arguments import add_build_arguments, engine_options
from trt_perception.cli.main import main
from trt_perception.engine.engine_options import EngineOptions, ShapeProfile
from trt_perception.engine.manifest import read_manifest
from trt_perception.engine.signature import make_key_pair
from trt_perception.model.load_spec import load_spec

AHEAD = ("--module", RTX, "--ahead-of-time", CAPABILITY)


def options_of(*arguments: str) -> EngineOptions:
    parser = argparse.ArgumentParser()
    add_build_arguments(parser)
    return engine_options(parser.parse_args(arguments))


@pytest.fixture
def rtx() -> None:
    pytest.importorskip("tensorrt_rtx_bindings", reason="TensorRT-RTX (tensorrt-rtx-cu13-bindings) is absent")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make_request(tmp_path)
    return tmp_path


def build(folder: Path, *arguments: str) -> int:
    return main(["build", str(folder / "net.onnx"), "--calibration", str(folder / "net.calibration.json"), *arguments])


@pytest.mark.usefixtures("rtx")
def test_builds_beside_the_model_and_then_says_that_it_is_current(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert build(folder, *AHEAD) == 0
    first = capsys.readouterr()
    assert f"{folder / 'net.engine'}: built in" in first.out
    assert "verification: not inspected here" in first.out
    assert "verifying" in first.err

    assert build(folder, *AHEAD) == 0
    second = capsys.readouterr()
    assert second.out == f"{folder / 'net.engine'}: current, nothing was built\n"
    assert second.err == ""


@pytest.mark.usefixtures("rtx")
def test_builds_every_model_of_a_config_and_prints_json(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    builder = {"ahead_of_time": CAPABILITY}
    engines = {
        "split": {"file": "split.engine", "calibration": "net.calibration.json", "builder": builder},
        "half": {"file": "half.engine", "plan": "fp16", "builder": builder},
    }
    config = {
        "cameras": [{"name": "front"}],
        "models": [{"name": name, "spec": "net.onnx", "engine": engine} for name, engine in engines.items()],
        "pipelines": [{"name": name, "model": name, "namespace": name} for name in engines],
    }
    (folder / "perception.yaml").write_text(yaml.safe_dump(config))
    assert main(["build", "--config", str(folder / "perception.yaml"), "--module", RTX, "--json"]) == 0
    made = json.loads(capsys.readouterr().out)
    assert [(item["engine"], item["built"]) for item in made] == [
        (str(folder / "split.engine"), True),
        (str(folder / "half.engine"), True),
    ]
    assert made[1]["manifest"]["precision_plan"]["name"] == "fp16"
    assert read_manifest(folder / "half.engine").calibration_digest == ""


@pytest.mark.usefixtures("rtx")
def test_signs_what_it_built(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("cryptography", reason="the Python package cryptography is absent")
    make_key_pair(folder / "fleet.pem")
    assert build(folder, *AHEAD, "--plan", "fp16", "--sign", str(folder / "fleet.pem")) == 0
    assert json.loads((folder / "net.engine.sig").read_text())["algorithm"] == "ed25519"


@pytest.mark.parametrize("given", [("--adopt",), ("--adopt", "{plan}"), ("--out", "{plan}", "--adopt")])
def test_adopts_a_plan_where_it_lies(
    given: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    model, plan = make_yolox_onnx(tmp_path / "tiny.onnx"), tmp_path / "tiny.engine"
    plan.write_bytes(PLAN)
    trt = fake_tensorrt(load_spec(model), "{}")
    monkeypatch.setattr("trt_perception.engine.tensorrt_module.load_tensorrt", lambda name: trt)
    monkeypatch.setattr("trt_perception.engine.gpu_identity.current_gpu", lambda device: GPU)

    assert main(["build", str(model), *(word.format(plan=plan) for word in given)]) == 0

    printed = capsys.readouterr().out
    assert printed.startswith(f"{plan}: adopted\n")
    assert "nobody has verified what the layers of this plan compute in" in printed
    assert (read_manifest(plan).adopted, read_manifest(plan).options) == (True, None)


MISTAKES = [
    pytest.param(("build",), "expected a model, or --config YAML, and not both", id="nothing"),
    pytest.param(
        ("build", "{model}", "--config", "perception.yaml"),
        "expected a model, or --config YAML, and not both",
        id="both",
    ),
    pytest.param(
        ("build", "--config", "perception.yaml", "--workspace", "64"),
        "--workspace: with --config every model's `engine` says it; write it there",
        id="option_beside_config",
    ),
    pytest.param(
        ("build", "{model}", "--plan", "int4"),
        "--plan: expected a YAML, int8_backbone_fp16_head, int8, fp16 or fp32, got 'int4'",
        id="unknown_plan",
    ),
    pytest.param(
        ("build", "{model}", "--optimization-level", "9"),
        "build.optimization_level: expected a number from 0 to 5, got 9",
        id="level",
    ),
    pytest.param(
        ("build", "{model}", "--profile", "images=1x3x64x64"),
        "--profile: expected INPUT=MIN,OPT,MAX such as images=1x3x640x640,4x3x640x640,8x3x640x640, "
        "got 'images=1x3x64x64'",
        id="profile",
    ),
    pytest.param(
        ("build", "{model}", "--out", "{folder}/a.engine", "--adopt", "{folder}/b.engine"),
        "--out {folder}/a.engine: a plan is adopted where it lies ({folder}/b.engine); copy it there first, or leave "
        "one out",
        id="adopt_elsewhere",
    ),
]


@pytest.mark.parametrize(("arguments", "line"), MISTAKES)
def test_a_mistake_is_one_line_and_exit_code_2(
    arguments: tuple[str, ...], line: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = {"model": folder / "net.onnx", "folder": folder}
    assert main([argument.format(**words) for argument in arguments]) == 2
    assert capsys.readouterr().err == f"trt-perception build: {line.format(**words)}\n"


def test_absent_tensorrt_is_exit_code_3(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert build(folder, "--module", "no_such_tensorrt") == 3
    error = capsys.readouterr().err
    assert error.startswith("trt-perception build: the Python package no_such_tensorrt cannot be imported")
    assert error.count("\n") == 1


@pytest.mark.usefixtures("rtx")
def test_int8_without_ranges_names_the_command_that_finds_them(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = folder / "net.onnx"
    assert main(["build", str(model), *AHEAD]) == 2
    line = capsys.readouterr().err.splitlines()[-1]
    assert line.startswith(
        f"trt-perception build: {model}: precision plan int8_backbone_fp16_head has INT8 layers, whose ranges are not "
        f"given; run: trt-perception calibrate {model} BAG_OR_FOLDER "
    )
    assert line.endswith("--out net.calibration.json, then give --calibration net.calibration.json")
    assert not (folder / "net.engine").exists()


def test_a_config_of_engines_alone_has_nothing_to_build(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "given.engine").touch()
    (tmp_path / "perception.yaml").write_text(
        "cameras: [{name: front}]\nmodels: [{name: given, spec: given.engine}]\npipelines: [{name: p, model: given}]\n"
    )
    assert main(["build", "--config", str(tmp_path / "perception.yaml")]) == 0
    assert "every model is an engine already" in capsys.readouterr().out


def test_arguments_go_before_what_the_yaml_says(tmp_path: Path) -> None:
    (tmp_path / "options.yaml").write_text(
        "workspace_mib: 512\noptimization_level: 2\nsparsity: true\ntiming_cache: timing.cache\n"
    )
    options = options_of("--options", str(tmp_path / "options.yaml"), "--workspace", "64", "--tf32")
    assert options == EngineOptions(
        workspace_mib=64,
        optimization_level=2,
        sparsity=True,
        tf32=True,
        timing_cache=str(tmp_path / "timing.cache"),
    )


def test_arguments_become_options(tmp_path: Path) -> None:
    arguments = ["--optimization-level", "1", "--dla-core", "0", "--version-compatible", "--hardware-compatible"]
    arguments += ["--strip-plan", "--plugin", str(tmp_path / "a.so"), "--plugin", str(tmp_path / "b.so")]
    arguments += ["--timing-cache", str(tmp_path / "t"), "--profile", "images=1x3x8x8,2x3x8x8,4x3x8x16"]
    assert options_of(*arguments, "--ahead-of-time", "SM89") == EngineOptions(
        optimization_level=1,
        dla_core=0,
        version_compatible=True,
        hardware_compatible=True,
        strip_plan=True,
        plugins=(str(tmp_path / "a.so"), str(tmp_path / "b.so")),
        timing_cache=str(tmp_path / "t"),
        profiles=(ShapeProfile(input="images", min=(1, 3, 8, 8), opt=(2, 3, 8, 8), max=(4, 3, 8, 16)),),
        ahead_of_time="SM89",
    )


def test_without_arguments_everything_is_as_by_default() -> None:
    assert options_of() == EngineOptions()
