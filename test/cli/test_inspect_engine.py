"""`inspect` of an engine on the command line; TensorRT and the GPU are stand-ins, the layers are a real engine's."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from helpers.built_engine import DEMO_MODEL, SPLIT_ENGINE, demo_account, demo_plan
from helpers.inspected_tensorrt import GPU, PLAN, fake_tensorrt, write_fake_engine

from trt_perception.cli.main import main
from trt_perception.engine import engine_report
from trt_perception.model.load_spec import load_spec


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    spec = load_spec(DEMO_MODEL)
    path = tmp_path / "demo.engine"
    write_fake_engine(path, spec, demo_account(tmp_path, demo_plan()))
    monkeypatch.setitem(sys.modules, "tensorrt", fake_tensorrt(spec, SPLIT_ENGINE.read_text()))
    monkeypatch.setattr(engine_report, "current_gpu", lambda device: GPU)
    return path


def test_shows_manifest_layers_and_verification(engine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", str(engine)]) == 0
    printed = capsys.readouterr().out
    assert "for Some GPU (9.0)" in printed
    assert "| backbone | int8 | 32 | 2 |" in printed
    assert "wider than planned: backbone.rgb.stage1.1.Add: planned int8, computes fp16" in printed


def test_prints_json(engine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", str(engine), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert [row["region"] for row in report["regions"]] == ["backbone", "neck", "head"]
    assert len(report["layers"]) == 107


@pytest.mark.parametrize("option", [["--head", "yolox"], ["--write", "x.yaml"], ["--name", "x"]], ids=lambda o: o[0])
def test_does_not_ask_of_an_engine_what_its_manifest_says(
    option: list[str], engine: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["inspect", str(engine), *option]) == 2
    assert f"{option[0]}: expected an ONNX file" in capsys.readouterr().err


def test_a_changed_plan_is_bad_input(engine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    engine.write_bytes(PLAN + b"x")
    assert main(["inspect", str(engine)]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_a_foreign_plan_without_tensorrt_needs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "tensorrt", None)
    path = tmp_path / "foreign.plan"
    path.write_bytes(PLAN)
    assert main(["inspect", str(path)]) == 3
    assert "tensorrt" in capsys.readouterr().err
