"""Engines as the doctor sees them: what loads, what does not and why, and the exit code that follows."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from helpers.engine_pair import GPU, PLAN, TENSORRT, EnginePair, make_pair

from trt_perception.cli.main import main
from trt_perception.doctor import engine_checks
from trt_perception.doctor.engine_checks import config_engines, folder_engines
from trt_perception.doctor.finding import Finding, Level
from trt_perception.engine.gpu_identity import GpuIdentity
from trt_perception.engine.signature import make_key_pair, sign_engine
from trt_perception.errors import ConfigError, EngineError, MissingError
from trt_perception.model.write_spec import write_spec


@pytest.fixture
def pair(tmp_path: Path) -> EnginePair:
    return make_pair(tmp_path)


@pytest.fixture
def gpu_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """The TensorRT and the GPU that built the engine; they take every plan."""
    monkeypatch.setattr(engine_checks, "load_tensorrt", lambda name: object())
    monkeypatch.setattr(engine_checks, "identify", lambda trt: TENSORRT)
    monkeypatch.setattr(engine_checks, "current_gpu", lambda: GPU)
    monkeypatch.setattr(engine_checks, "open_plan", lambda *_, **__: contextlib.nullcontext())


@pytest.fixture
def nothing_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """No TensorRT."""

    def absent(name: str) -> Any:
        raise MissingError(f"the Python package {name}", "pip install tensorrt")

    monkeypatch.setattr(engine_checks, "load_tensorrt", absent)


def write_config(pair: EnginePair, **engine: object) -> Path:
    spec = pair.engine.with_name("model.yaml")
    if not spec.exists():
        write_spec(pair.spec, spec)
    config = {
        "cameras": [{"name": "front"}],
        "models": [
            {"name": "boxes", "spec": spec.name, "engine": {"file": pair.engine.name, **engine}},
            {"name": "unused", "spec": spec.name, "engine": {"file": "absent.engine"}},
        ],
        "pipelines": [{"name": "objects", "model": "boxes"}],
    }
    path = pair.engine.with_name("perception.yaml")
    path.write_text(yaml.safe_dump(config))
    return path


def the(findings: list[Finding]) -> Finding:
    (finding,) = findings
    return finding


@pytest.mark.usefixtures("gpu_here")
def test_an_engine_of_this_machine_loads(pair: EnginePair) -> None:
    finding = the(folder_engines(pair.engine.parent))
    assert (finding.subject, finding.level) == (pair.engine.name, Level.OK)
    assert finding.detail == (
        "loads: TensorRT 8.6.1, NVIDIA H200 (9.0); signature not verified: no public key was given"
    )


@pytest.mark.usefixtures("gpu_here")
def test_engines_of_deeper_folders_are_found(pair: EnginePair, tmp_path: Path) -> None:
    (tmp_path / "night" / "deep").mkdir(parents=True)
    make_pair(tmp_path / "night" / "deep")
    assert [finding.level for finding in folder_engines(tmp_path)] == [Level.OK, Level.OK]


@pytest.mark.usefixtures("gpu_here")
def test_an_engine_of_another_gpu_does_not(pair: EnginePair, monkeypatch: pytest.MonkeyPatch) -> None:
    orin = GpuIdentity(name="Orin", compute_capability="8.7")
    monkeypatch.setattr(engine_checks, "current_gpu", lambda: orin)
    finding = the(folder_engines(pair.engine.parent))
    assert finding.level is Level.MISSING
    assert "GPU: expected NVIDIA H200 (9.0), got Orin (8.7)" in finding.detail
    assert "trt-perception build" in finding.detail


@pytest.mark.usefixtures("gpu_here")
def test_a_plan_that_tensorrt_refuses_does_not(pair: EnginePair, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise EngineError(pair.engine, "TensorRT cannot load the plan: magic tag", "build it again")

    monkeypatch.setattr(engine_checks, "open_plan", refuse)
    finding = the(folder_engines(pair.engine.parent))
    assert (finding.level, "magic tag" in finding.detail) == (Level.MISSING, True)


@pytest.mark.usefixtures("nothing_here")
def test_without_tensorrt_the_files_are_held_against_each_other(pair: EnginePair) -> None:
    finding = the(folder_engines(pair.engine.parent))
    assert finding.level is Level.MISSING
    assert finding.detail.startswith(
        "whole, for TensorRT 8.6.1 on NVIDIA H200 (9.0), signature not verified: no public key was given, "
        "but not to be loaded here: "
    )

    pair.engine.write_bytes(b"short")
    assert "size: expected" in the(folder_engines(pair.engine.parent)).detail


@pytest.mark.usefixtures("gpu_here")
def test_a_config_s_engines_are_those_of_used_models(pair: EnginePair) -> None:
    plan = pair.manifest.precision_plan
    assert plan is not None
    finding = the(config_engines(write_config(pair, plan="fp16")))
    assert finding.subject == pair.engine.name
    assert finding.level is Level.WARNING
    assert "the config says 'fp16'" in finding.detail
    assert finding.remedy == f"run: trt-perception build --config {pair.engine.with_name('perception.yaml')}"


@pytest.mark.usefixtures("gpu_here")
def test_an_engine_that_a_config_lacks_is_built_from_the_config(pair: EnginePair) -> None:
    config = write_config(pair)
    pair.engine.unlink()
    pair.files.manifest.unlink()
    finding = the(config_engines(config))
    assert finding.level is Level.MISSING
    assert finding.remedy == f"run: trt-perception build --config {config}"


@pytest.mark.usefixtures("gpu_here")
def test_strict_and_key_of_a_config_count(pair: EnginePair) -> None:
    pair.engine.chmod(0o666)
    finding = the(config_engines(write_config(pair, strict=True)))
    assert finding.level is Level.MISSING

    pair.engine.chmod(0o644)
    finding = the(config_engines(write_config(pair, public_key="absent.pem")))
    assert finding.level is Level.MISSING
    assert "absent.pem" in finding.detail


def test_engines_of_a_folder_load_only_if_the_key_signed_them(
    pair: EnginePair, gpu_here: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    opened: list[bytes] = []

    def open_plan(trt: Any, plan: bytes, **_: object) -> contextlib.nullcontext[None]:
        opened.append(plan)
        return contextlib.nullcontext()

    monkeypatch.setattr(engine_checks, "open_plan", open_plan)
    folder = pair.engine.parent
    keys = folder / "keys"
    keys.mkdir()
    own, other = (make_key_pair(keys / name) for name in ("own", "other"))
    command = ["doctor", "--engines", str(folder), "--public-key"]
    assert main([*command, str(own)]) == 3
    assert "there is no signature" in capsys.readouterr().out
    sign_engine(pair.engine, keys / "own")
    assert main([*command, str(other)]) == 3
    assert "expected" in capsys.readouterr().out
    assert opened == []
    assert main([*command, str(own)]) == 0
    assert "NVIDIA H200 (9.0); signed by own.pub" in capsys.readouterr().out
    assert opened == [PLAN]


def test_a_key_without_a_folder_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--public-key", "fleet.pub"]) == 2
    assert "--public-key: expected --engines with it" in capsys.readouterr().err


def test_a_config_on_the_cpu_needs_no_engines(pair: EnginePair) -> None:
    config = write_config(pair)
    config.write_text(f"backend: onnxruntime\n{config.read_text()}")
    assert the(config_engines(config)).level is Level.OK


def test_a_wrong_config_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"absent\.yaml"):
        config_engines(tmp_path / "absent.yaml")


@pytest.mark.parametrize("name", ["", "absent"], ids=["empty_folder", "no_folder"])
def test_a_folder_without_engines_says_so(name: str, tmp_path: Path) -> None:
    finding = the(folder_engines(tmp_path / name))
    assert finding.level is Level.MISSING
    assert "trt-perception build MODEL --out" in finding.remedy


@pytest.mark.usefixtures("gpu_here")
def test_the_exit_code_says_whether_all_load(pair: EnginePair, capsys: pytest.CaptureFixture[str]) -> None:
    folder = str(pair.engine.parent)
    assert main(["doctor", "--engines", folder, "--json"]) == 0
    assert pair.engine.name in {finding["subject"] for finding in json.loads(capsys.readouterr().out)}
    pair.engine.write_bytes(b"short")
    assert main(["doctor", "--engines", folder]) == 3
    assert "size: expected" in capsys.readouterr().out
