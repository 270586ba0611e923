"""From an ONNX and ranges to a graph and its account, on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
from helpers.max_ranges import max_table, outputs, random_feeds
from helpers.tiny_onnx import make_yolox_onnx

from trt_perception.cli.main import main
from trt_perception.precision.calibration_table import write_table
from trt_perception.precision.precision_plan import PrecisionPlan


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return make_yolox_onnx(tmp_path / "tiny.onnx")


@pytest.fixture
def ranges(model: Path, tmp_path: Path) -> Path:
    path = tmp_path / "ranges.json"
    write_table(max_table(model, PrecisionPlan(), random_feeds(model)), path)
    return path


def test_writes_graph_and_account(
    model: Path, ranges: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "mixed.onnx"
    assert main(["quantize", str(model), "--calibration", str(ranges), "--out", str(out)]) == 0
    printed = capsys.readouterr().out
    assert "| backbone | int8 | 4 |" in printed
    assert str(out) in printed
    account = json.loads((tmp_path / "mixed.account.json").read_text())
    assert [item["node"] for item in account["weights"]] == [f"backbone.{number}" for number in range(1, 5)]
    feeds = random_feeds(model)
    expected, got = outputs(model, feeds)[0], outputs(out, feeds)[0]
    assert float(np.abs(got - expected).mean()) < 0.08 * float(expected.std())


def test_prints_the_account_as_json(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--plan", "fp16", "--emitter", "flags", "--out", str(tmp_path / "fp16.onnx"), "--json"]
    assert main(["quantize", str(model), *arguments]) == 0
    account = json.loads(capsys.readouterr().out)
    assert set(account["layer_precisions"].values()) == {"fp16"}
    assert onnx.load(str(tmp_path / "fp16.onnx")).opset_import[0].version <= 17


def test_takes_a_plan_of_one_s_own(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plan = tmp_path / "mine.yaml"
    plan.write_text("precisions: {backbone: fp16, neck: fp16, head: fp32}\n")
    assert main(["quantize", str(model), "--plan", str(plan), "--out", str(tmp_path / "out.onnx"), "--json"]) == 0
    account = json.loads(capsys.readouterr().out)
    assert account["plan"]["name"] == "mine"
    assert {node["precision"] for node in account["nodes"] if node["region"] == "head"} == {"fp32"}


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        pytest.param(["--plan", "int4"], 2, "int8_backbone_fp16_head, int8, fp16 or fp32, got 'int4'", id="plan"),
        pytest.param(["--plan", "absent.yaml"], 2, "absent.yaml: no such file", id="absent_plan"),
        pytest.param(["--calibration", "absent.json"], 2, "absent.json", id="absent_ranges"),
        pytest.param([], 2, "have no range", id="no_ranges"),
        pytest.param(["--plan", "fp16", "--check", "no_such_tensorrt"], 3, "no_such_tensorrt", id="absent_tensorrt"),
        pytest.param(["--plan", "fp16", "--emitter", "flags", "--check", "json"], 2, "--emitter strong", id="check"),
    ],
)
def test_an_error_writes_nothing(
    arguments: list[str], code: int, words: str, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.onnx"
    assert main(["quantize", str(model), "--out", str(out), *arguments]) == code
    error = capsys.readouterr().err
    assert words in error
    assert error.count("\n") == 1
    assert not out.exists()


def test_does_not_overwrite_unasked(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out.onnx"
    out.write_text("mine")
    arguments = ["quantize", str(model), "--plan", "fp32", "--out", str(out)]
    assert main(arguments) == 2
    assert out.read_text() == "mine"
    assert "--overwrite" in capsys.readouterr().err
    assert main([*arguments, "--overwrite"]) == 0
