"""The verb calibrate: a table from a bag, what is said of the frames, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from helpers.drive_bag import write_drive_bag
from helpers.tiny_onnx import make_yolov8_onnx

from trt_perception.cli.main import main
from trt_perception.precision.calibration_table import read_table

pytest.importorskip("onnxruntime", reason="ONNX Runtime is not installed")
pytest.importorskip("rosbags", reason="the bag library is not installed")


@pytest.fixture
def arguments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The verb with a model and a bag; its cache and default output lie in the test's folder."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    model = make_yolov8_onnx(tmp_path / "tiny.onnx", size=(32, 64))
    return ["calibrate", str(model), str(write_drive_bag(tmp_path / "drive")), "--threads", "1"]


def test_writes_a_table_and_says_what_the_frames_cover(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "table.json"
    assert main([*arguments, "--frames", "8", "--out", str(out)]) == 0
    table = read_table(out)
    assert (table.method, table.frames) == ("percentile 99.999", 8)
    assert all(name in table.ranges for name in ("images",))
    text = capsys.readouterr().out
    for words in ("camera", "front", "night", "dark", "warning: no frame of these conditions: dusk", f"written: {out}"):
        assert words in text


def test_prints_table_and_coverage_as_json_and_takes_the_second_from_the_cache(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    more = ["--frames", "4", "--method", "percentile", "--percentile", "99.5", "--json", "--overwrite"]
    reports = []
    for _ in range(2):
        assert main([*arguments, *more]) == 0
        reports.append(json.loads(capsys.readouterr().out))
    table = read_table(tmp_path / "tiny.calibration.json")
    assert reports[0]["table"]["ranges"] == dict(table.ranges)
    assert reports[0]["table"]["method"] == "percentile 99.5"
    assert reports[0]["digest"] == table.digest
    assert reports[0]["coverage"]["cameras"] == {"front": 2, "left": 2}
    assert [report["from_cache"] for report in reports] == [False, True]
    assert {**reports[0], "from_cache": True} == reports[1]


def test_no_cache_keeps_nothing(arguments: list[str], tmp_path: Path) -> None:
    assert main([*arguments, "--frames", "2", "--no-cache"]) == 0
    assert not (tmp_path / "cache").exists()


def test_calibrates_the_named_tensors_alone(arguments: list[str], tmp_path: Path) -> None:
    assert main([*arguments, "--frames", "2", "--method", "max", "--tensor", "backbone.1", "--out", "one.json"]) == 0
    assert list(read_table(tmp_path / "one.json").ranges) == ["backbone.1"]


@pytest.mark.parametrize(
    ("more", "words"),
    [
        pytest.param(["--frames", "41"], "expected 41 usable images, got 40", id="too_few_frames"),
        pytest.param([], "expected 500 usable images, got 40", id="fewer_than_the_default"),
        pytest.param(["--frames", "0"], "frames", id="no_frames"),
        pytest.param(["--frames", "4", "--percentile", "101"], "percentile", id="percentile"),
        pytest.param(["--frames", "4", "--out", "absent/table.json"], "no folder absent", id="no_folder"),
        pytest.param(["--frames", "4", "--out", "drive/metadata.yaml"], "is there already", id="existing_file"),
        pytest.param(["--frames", "4", "--tensor", "nowhere"], "no tensor nowhere", id="unknown_tensor"),
        pytest.param(["absent_bag"], "absent_bag: no such bag or folder", id="absent_bag"),
    ],
)
def test_refuses_with_one_line_and_writes_nothing(
    arguments: list[str], more: list[str], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*arguments[:3], *more]) == 2
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("trt-perception")]
    assert len(lines) == 1
    assert words in lines[0]
    assert not list(tmp_path.glob("*.json"))
