"""`inspect` of an engine on the command line; TensorRT and the GPU are stand-ins, the layers are a real engine's."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from helpers.built_engine import DEMO_MODEL, SPLIT_ENGINE, demo_account, demo_plan
from helpers.inspected_tensorrt import GPU, PLAN, fake_tensorrt, write_fake_engine

from trt_perception.cli.main import main
from trt_perception.engine import engine_report
from trt_perception.engine.engine_files import EngineFiles
from trt_perception.engine.signature import make_key_pair, sign_engine
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


def test_without_a_key_it_says_that_nothing_was_verified(engine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", str(engine)]) == 0
    assert "signature   not verified, no public key was given" in capsys.readouterr().out
    assert main(["inspect", str(engine), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["signed_by"] is None


class TestPublicKey:
    """With --public-key nothing is loaded that this key did not sign, here or where TensorRT is absent."""

    @pytest.fixture
    def keys(self, tmp_path: Path) -> list[Path]:
        return [make_key_pair(tmp_path / name) for name in ("own", "other")]

    @pytest.fixture
    def opened(self, monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
        """The plans that TensorRT was given."""
        plans: list[bytes] = []
        open_plan = engine_report.open_plan

        def noted(trt: Any, plan: bytes, **given: Any) -> Any:
            plans.append(plan)
            return open_plan(trt, plan, **given)

        monkeypatch.setattr(engine_report, "open_plan", noted)
        return plans

    def test_loads_what_the_key_signed(
        self, engine: Path, keys: list[Path], opened: list[bytes], capsys: pytest.CaptureFixture[str]
    ) -> None:
        sign_engine(engine, keys[0].with_suffix(""))
        assert main(["inspect", str(engine), "--public-key", str(keys[0])]) == 0
        assert f"signature   by {keys[0]}" in capsys.readouterr().out
        assert opened == [PLAN]

    @pytest.mark.parametrize("here", [pytest.param(True, id="tensorrt"), pytest.param(False, id="no_tensorrt")])
    @pytest.mark.parametrize(
        "lack",
        [
            pytest.param("there is no signature", id="unsigned"),
            pytest.param("own.pub", id="other_key"),
            pytest.param("there is no manifest", id="no_manifest"),
        ],
    )
    def test_loads_nothing_else(
        self,
        engine: Path,
        keys: list[Path],
        opened: list[bytes],
        lack: str,
        here: bool,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        if lack == "own.pub":
            sign_engine(engine, keys[1].with_suffix(""))
        elif lack == "there is no manifest":
            EngineFiles(engine).manifest.unlink()
        if not here:
            monkeypatch.setitem(sys.modules, "tensorrt", None)
        assert main(["inspect", str(engine), "--public-key", str(keys[0])]) == 2
        assert lack in capsys.readouterr().err
        assert opened == []

    def test_a_model_has_no_signature(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["inspect", "model.onnx", "--public-key", "fleet.pub"]) == 2
        assert "--public-key: expected an engine with it" in capsys.readouterr().err


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
