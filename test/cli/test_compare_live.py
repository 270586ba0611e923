"""`trt-perception compare-live`: exit codes and what it prints."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from helpers.live_answers import answers, stamp, write_answers, write_offline

from trt_perception.cli.main import main


@pytest.fixture
def offline(tmp_path: Path) -> Path:
    return write_offline(tmp_path / "offline")


def test_agreement_ends_with_zero_and_lists_what_was_dropped(
    tmp_path: Path, offline: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    live = [answer for answer in answers() if (answer.camera, answer.stamp_ns) != ("left", stamp(1))]
    log = tmp_path / "drops.jsonl"
    log.write_text(json.dumps({"camera": "left", "stamp_ns": stamp(1), "reason": "replaced"}) + "\n")
    recording = write_answers(tmp_path / "live", live)
    assert main(["compare-live", str(recording), "--offline", str(offline), "--drop-log", str(log)]) == 0
    text = capsys.readouterr().out
    assert "left         4         3          0  replaced 1" in text
    assert f"dropped live:\n  left {stamp(1)}: replaced\nlive and offline agree\n" in text


def test_disagreement_ends_with_one_and_names_it(
    tmp_path: Path, offline: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    live = [replace(answer, frame_id="lidar") if answer.stamp_ns == stamp(1) else answer for answer in answers()]
    recording = write_answers(tmp_path / "live", live)
    assert main(["compare-live", str(recording), "--offline", str(offline)]) == 1
    printed = capsys.readouterr()
    assert f"  front boxes {stamp(1)}: frame_id 'lidar' live, 'optical' offline\n" in printed.out
    assert "do not agree: header 2" in printed.err


def test_json_has_every_frame(tmp_path: Path, offline: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recording = write_answers(tmp_path / "live", answers(["front"]))
    assert main(["compare-live", str(recording), "--offline", str(offline), "--json"]) == 1
    content = json.loads(capsys.readouterr().out)
    assert content["passed"] is False
    assert [(c["camera"], c["compared"], c["unanswered"]) for c in content["cameras"]] == [
        ("front", 4, 0),
        ("left", 0, 4),
    ]
    assert [problem["kind"] for problem in content["problems"]] == ["no_topic"]


def test_a_long_list_is_cut_in_the_text(tmp_path: Path, offline: Path, capsys: pytest.CaptureFixture[str]) -> None:
    many = [((20.0 * i, 0.0, 20.0 * i + 10, 10.0), 0.9, 0) for i in range(6)]
    recording = write_answers(tmp_path / "live", [replace(answer, found=many) for answer in answers()])
    assert main(["compare-live", str(recording), "--offline", str(offline)]) == 1
    assert "more; --json lists them all" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        pytest.param(["--pixels", "-1"], "pixels: expected", id="pixels"),
        pytest.param(["--iou", "2"], "iou: expected", id="iou"),
        pytest.param(["--drop-log", "nowhere"], "nowhere: cannot be read", id="drop_log"),
        pytest.param(["--ledger", "nowhere"], "nowhere: cannot be read", id="ledger"),
        pytest.param(["--camera", "roof"], "no camera roof", id="camera"),
        pytest.param(["--config", "nowhere.yaml"], "nowhere.yaml", id="config"),
    ],
)
def test_refuses_arguments_that_cannot_be_used(
    tmp_path: Path, offline: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], problem: str
) -> None:
    recording = write_answers(tmp_path / "live", answers())
    assert main(["compare-live", str(recording), "--offline", str(offline), *arguments]) == 2
    assert problem in capsys.readouterr().err
