"""`profile` on the command line; TensorRT and the GPU are stand-ins."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest

from trt_perception.cli.main import main
from trt_perception.cli.profile_text import profile_text
from trt_perception.engine.engine_layer import EngineLayer
from trt_perception.engine.engine_profile import summarize_runs
from trt_perception.runtime import profile_engine as module
from trt_perception.runtime.profile_engine import ProfiledEngine, RunProgress

RUNS = ({"conv": 0.002, "relu": 0.001}, {"conv": 0.004, "relu": 0.001})


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, int]]:
    """Gives fixed times; the list tells what was asked for."""
    asked: list[dict[str, int]] = []

    def profile(
        engine: Path, *, runs: int, warm_up: int, device: int, public_key: Path | None, progress: RunProgress
    ) -> ProfiledEngine:
        assert public_key is None
        asked.append({"runs": runs, "warm_up": warm_up, "device": device})
        progress(1, runs)
        layers = (EngineLayer(name="conv", kind="CaskConvolution", weights="int8"), EngineLayer(name="relu"))
        profile = summarize_runs(RUNS, layers, ("backbone", "head"))
        return ProfiledEngine(engine=engine, profile=profile, runs=RUNS, notes=("something to know",))

    monkeypatch.setattr(module, "profile_engine", profile)
    return asked


def test_prints_where_the_time_goes(stand_in: list[dict[str, int]], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["profile", "front.engine", "--runs", "2", "--warm-up", "0", "--top", "1"]) == 0
    printed = capsys.readouterr().out
    assert re.search(r"^backbone +int8 +1 +3\.00 +75\.00$", printed, re.MULTILINE)
    assert re.search(r"^ +3\.00 +3\.98 +75\.00 +backbone +int8 +CaskConvolution +conv$", printed, re.MULTILINE)
    assert "the 1 most expensive layers, 75.0% of the time" in printed
    assert "relu" not in printed
    assert "note: something to know" in printed
    assert stand_in == [{"runs": 2, "warm_up": 0, "device": 0}]


def test_shows_the_end_of_a_long_name() -> None:
    name = "weight + " * 20 + "conv"
    text = profile_text(summarize_runs([{name: 1.0}]), top=5)
    assert "weight + conv" in text
    assert name not in text


def test_prints_json(stand_in: list[dict[str, int]], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["profile", "front.engine", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["engine"] == "front.engine"
    assert [layer["layer"] for layer in report["layers"]] == ["conv", "relu"]


def test_writes_a_trace(stand_in: list[dict[str, int]], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    trace = tmp_path / "trace.json"
    assert main(["profile", "front.engine", "--trace", str(trace)]) == 0
    assert str(trace) in capsys.readouterr().out
    assert sum(event["ph"] == "X" for event in json.loads(trace.read_text())["traceEvents"]) == 4


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param(["--runs", "0"], "--runs: expected at least 1, got 0", id="runs"),
        pytest.param(["--warm-up", "-1"], "--warm-up: expected at least 0, got -1", id="warm_up"),
        pytest.param(["--top", "0"], "--top: expected at least 1", id="top"),
        pytest.param(["--trace", "absent/trace.json"], "absent/trace.json: cannot be written", id="trace"),
    ],
)
def test_wrong_arguments_are_one_line(
    arguments: list[str], words: str, stand_in: list[dict[str, int]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["profile", "front.engine", *arguments]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert words in lines[-1]


def test_an_engine_without_manifest_is_bad_input(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    engine = tmp_path / "foreign.engine"
    engine.write_bytes(b"plan")
    assert main(["profile", str(engine)]) == 2
    assert "--adopt" in capsys.readouterr().err.splitlines()[-1]


def test_without_tensorrt_something_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from helpers.inspected_tensorrt import write_fake_engine
    from helpers.model_specs import tiny_yolox_spec

    engine = tmp_path / "tiny.engine"
    write_fake_engine(engine, tiny_yolox_spec("tiny.onnx"), None)
    monkeypatch.setitem(sys.modules, "tensorrt", None)
    assert main(["profile", str(engine)]) == 3
    assert "the Python package tensorrt cannot be imported" in capsys.readouterr().err.splitlines()[-1]
