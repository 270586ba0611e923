"""The ledgers of a replay: read as the node and the player write them, refused where they are something else."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trt_perception.errors import DropReason, InputError
from trt_perception.validate.live_drops import LiveDrops, read_played


def write(path: Path, *lines: object) -> Path:
    path.write_text("".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines))
    return path


def test_reads_a_drop_log(tmp_path: Path) -> None:
    drops = LiveDrops.read(
        write(
            tmp_path / "drops.jsonl",
            {"camera": "front", "stamp_ns": 5, "reason": "replaced"},
            {"camera": "left", "stamp_ns": 5, "reason": "late"},
            {"camera": "left", "stamp_ns": None, "reason": "malformed"},
            {"lost_entries": 3},
        )
    )
    assert drops.reasons == {("front", 5): DropReason.REPLACED, ("left", 5): DropReason.LATE}
    assert drops.of("left") == {5: DropReason.LATE}
    assert drops.of("back") == {}
    assert (drops.unstamped, drops.lost) == (1, 3)


def test_a_line_that_a_full_disk_cut_off_is_one_of_those_that_are_lost(tmp_path: Path) -> None:
    whole = {"camera": "a", "stamp_ns": 1, "reason": "late"}
    cut = '{"camera": "a", "sta'
    drops = LiveDrops.read(write(tmp_path / "drops.jsonl", whole, cut, {**whole, "stamp_ns": 3}, {"lost_entries": 2}))
    assert (set(drops.reasons), drops.lost) == ({("a", 1), ("a", 3)}, 2)
    with pytest.raises(InputError, match=r"drops\.jsonl:2: expected a JSON object"):
        LiveDrops.read(write(tmp_path / "drops.jsonl", whole, cut, cut, {"lost_entries": 2}))


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        pytest.param({"camera": "a", "stamp_ns": 1, "reason": "tired"}, "expected a reason .*got 'tired'", id="reason"),
        pytest.param({"camera": "a", "stamp_ns": 1}, "expected a reason .*got None", id="no_reason"),
        pytest.param({"camera": "a", "stamp_ns": 1.5, "reason": "late"}, "expected an integer, got 1.5", id="stamp"),
        pytest.param({"stamp_ns": 1, "reason": "late"}, "expected a line of a drop log", id="no_camera"),
        pytest.param('{"camera": "a", "sta', "expected a JSON object", id="cut_off"),
        pytest.param("[1]", r"expected a JSON object, .* got '\[1\]'", id="list"),
        pytest.param("[" * 100_000, "expected a JSON object", id="nested"),
    ],
)
def test_refuses_another_line_by_its_number(tmp_path: Path, line: object, problem: str) -> None:
    path = write(tmp_path / "drops.jsonl", {"camera": "a", "stamp_ns": 0, "reason": "late"}, line)
    with pytest.raises(InputError, match=f"drops.jsonl:2: {problem}"):
        LiveDrops.read(path)


def test_refuses_a_file_that_is_not_there_or_no_text(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read: No such file"):
        LiveDrops.read(tmp_path / "drops.jsonl")
    (tmp_path / "bytes").write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="cannot be read"):
        read_played(tmp_path / "bytes")


@given(st.text(max_size=60))
def test_whatever_a_file_holds_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.getbasetemp() / "any.jsonl"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    for read in (LiveDrops.read, read_played):
        with contextlib.suppress(InputError):
            read(path)


def test_reads_what_the_player_sent(tmp_path: Path) -> None:
    path = write(
        tmp_path / "sent.jsonl",
        {"topic": "/front/image_raw", "stamp_ns": 6, "sent_ns": 9},
        {"topic": "/front/image_raw", "stamp_ns": 5, "sent_ns": 10},
        {"topic": "/tf", "stamp_ns": None, "sent_ns": 11},
    )
    played = read_played(path)
    assert played == {"/front/image_raw": {6: 9, 5: 10}, "/tf": {}}
    assert list(played["/front/image_raw"]) == [6, 5]
    with pytest.raises(InputError, match=r"drops\.jsonl:1: expected a line of a ledger"):
        read_played(write(tmp_path / "drops.jsonl", {"camera": "a", "stamp_ns": 1, "reason": "late"}))
