"""The verb: what it prints, its exit codes, and how it ends when it is interrupted."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from helpers.validation_bag import SCORE, TinyPipeline, scene_messages, write_scene_bag

from trt_perception import demo
from trt_perception.cli.main import main

pytest.importorskip("onnxruntime", reason="needs ONNX Runtime")
pytest.importorskip("pycocotools", reason="needs pycocotools")

TWO_INPUTS = Path(demo.__file__).parent / "model" / "demo_model_rgb_ir.onnx"
ON_CPU = ("--backend", "onnxruntime", "--score", str(SCORE), "--no-report")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return TinyPipeline(tmp_path_factory.mktemp("model")).model


@pytest.fixture(scope="module")
def bag(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_scene_bag(tmp_path_factory.mktemp("bag") / "scene")


def validate(*arguments: object) -> int:
    return main(["validate", *map(str, arguments)])


def test_prints_the_ledger_and_the_figures(
    model: Path, bag: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert validate(bag, "--model", model, "--out", tmp_path / "out", "--coco", *ON_CPU) == 0
    text = capsys.readouterr().out
    assert "scene" in text
    assert "night" in text
    assert "mAP50:95" in text
    assert (tmp_path / "out" / "coco_truth.json").is_file()
    assert not (tmp_path / "out" / "report.html").exists()


def test_prints_json(model: Path, bag: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert validate(bag, "--model", model, "--out", tmp_path / "out", "--json", "--camera", "left", *ON_CPU) == 0
    content = json.loads(capsys.readouterr().out)
    assert content == json.loads((tmp_path / "out" / "metrics.json").read_text())
    assert content["ledger"]["frames"] == 12


def test_overwriting_leaves_nothing_of_the_earlier_run(model: Path, bag: Path, tmp_path: Path) -> None:
    arguments = (bag, "--model", model, "--out", tmp_path / "out", *ON_CPU)
    assert validate(*arguments, "--coco") == 0
    (tmp_path / "out" / "report.html").write_text("of the earlier run")
    assert validate(*arguments) == 2
    assert validate(*arguments, "--overwrite") == 0
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {"metrics.json", "frames.jsonl", "missed.jsonl", "timings.json", "detections"}


def test_truth_can_be_left_out(model: Path, bag: Path, tmp_path: Path) -> None:
    assert validate(bag, "--model", model, "--out", tmp_path / "out", "--truth", "none", *ON_CPU) == 0
    assert json.loads((tmp_path / "out" / "metrics.json").read_text())["truth"] == "none"


def test_runs_on_a_cluster_from_any_folder(
    model: Path, bag: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("ray", reason="needs Ray")
    monkeypatch.chdir(model.parent)
    assert validate(bag, "--model", model.name, "--out", tmp_path / "one", *ON_CPU) == 0
    assert validate(bag, "--model", model.name, "--out", tmp_path / "out", "--cluster", "--processes", 1, *ON_CPU) == 0
    for name in ("metrics.json", "frames.jsonl", "detections/detections.mcap"):
        assert (tmp_path / "out" / name).read_bytes() == (tmp_path / "one" / name).read_bytes()


def test_merges_finished_runs(model: Path, tmp_path: Path) -> None:
    bags = [
        write_scene_bag(tmp_path / name, scene_messages(count=2, first=first)) for name, first in (("a", 0), ("b", 9))
    ]
    for bag in bags:
        assert validate(bag, "--model", model, "--out", tmp_path / f"out_{bag.name}", *ON_CPU) == 0
    folders = [tmp_path / "out_b", tmp_path / "out_a"]
    assert validate("--merge", *folders, "--out", tmp_path / "merged", "--no-report") == 0
    assert json.loads((tmp_path / "merged" / "metrics.json").read_text())["ledger"]["frames"] == 8


@pytest.mark.parametrize(
    ("arguments", "code", "named"),
    [
        pytest.param(("nowhere", "--model", "{model}"), 2, "no such bag", id="no_bag"),
        pytest.param(("{bag}", "--model", "nothing.onnx"), 2, "nothing.onnx", id="no_model"),
        pytest.param(("{bag}",), 2, "expected bags and --model", id="model_not_named"),
        pytest.param(("--model", "{model}"), 2, "expected bags and --model", id="bag_not_named"),
        pytest.param(("{bag}", "--model", "{model}", "--camera", "rear"), 2, "expected camera rear", id="camera"),
        pytest.param(("{bag}", "--model", "{model}", "--truth", "no.json"), 2, "no.json", id="truth"),
        pytest.param(("{bag}", "--model", "{model}", "--floor", "2"), 2, "validate.floor", id="floor"),
        pytest.param(("{bag}", "--model", "{model}", "--processes", "0"), 2, "validate.processes", id="processes"),
        pytest.param(
            ("--model", "{model}", "--cluster", "{bag}"), 2, "expected bags and --model", id="cluster_takes_bag"
        ),
        pytest.param(("{bag}", "--model", "{model}", "--cluster", "head"), 2, "local, auto or HOST:PORT", id="cluster"),
        pytest.param(("{bag}", "--model", "{model}", "--tasks-per-gpu", "2"), 2, "is for --cluster", id="no_cluster"),
        pytest.param(("{bag}", "--model", str(TWO_INPUTS)), 2, "once for each set: --set front,left", id="two_inputs"),
        pytest.param(("{bag}", "--merge", "x"), 2, "--merge takes folders", id="merge_and_bags"),
    ],
)
def test_bad_usage_is_one_line_and_exit_code_2(
    model: Path,
    bag: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    code: int,
    named: str,
) -> None:
    filled = [text.format(model=model, bag=bag) for text in arguments]
    assert validate(*filled, "--out", tmp_path / "out", *ON_CPU) == code
    errors = [line for line in capsys.readouterr().err.splitlines() if line.startswith("trt-perception validate:")]
    assert len(errors) == 1
    assert named in errors[0]


def test_ctrl_c_keeps_what_is_done_and_the_same_command_goes_on(model: Path, tmp_path: Path) -> None:
    bag = write_scene_bag(tmp_path / "scene", scene_messages(count=250, masks=False))
    out = tmp_path / "out"
    command = [sys.executable, "-m", "trt_perception.cli.main", "validate", str(bag), "--model", str(model)]
    root = Path(__file__).resolve().parents[2]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(root), os.environ.get("PYTHONPATH", "")])}
    process = subprocess.Popen(
        [*command, "--out", str(out), *ON_CPU], env=environment, stderr=subprocess.PIPE, text=True
    )
    until = time.monotonic() + 60
    while not list(out.glob(".partial/0/*.json")) and time.monotonic() < until and process.poll() is None:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert f"interrupted; what is done is kept in {out}, the same command goes on" in errors
    assert "Traceback" not in errors
    assert validate(bag, "--model", model, "--out", out, *ON_CPU) == 0
    timings = json.loads((out / "timings.json").read_text())
    assert 0 < timings["frames_of_earlier_runs"] < timings["frames"] == 500
