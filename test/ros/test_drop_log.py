"""Every drop becomes a line; where entries are lost the log says how many."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from trt_perception.errors import ConfigError, DropReason
from trt_perception.ros import drop_log
from trt_perception.ros.drop_log import DropLog


def test_drops_are_written_in_order_and_added_to_what_is_there(tmp_path: Path) -> None:
    path = tmp_path / "drops.jsonl"
    for start in (0, 1000):
        log = DropLog(path)
        for index in range(start, start + 1000):
            log.record("front", index, DropReason.REPLACED)
        log.record("back", None, DropReason.MALFORMED)
        log.close()
        log.close()
    entries = [json.loads(line) for line in path.read_text().splitlines()]
    assert [e["stamp_ns"] for e in entries if e["camera"] == "front"] == list(range(2000))
    assert {e["reason"] for e in entries if e["camera"] == "front"} == {"replaced"}
    assert [e for e in entries if e["camera"] == "back"] == [
        {"camera": "back", "stamp_ns": None, "reason": "malformed"}
    ] * 2


def test_more_drops_than_the_bound_are_lost_and_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drop_log, "MAX_WAITING", 10)
    monkeypatch.setattr(drop_log, "PERIOD_S", 60.0)
    log = DropLog(tmp_path / "drops.jsonl")
    for index in range(25):
        log.record("front", index, DropReason.LATE)
    log.close()
    entries = [json.loads(line) for line in (tmp_path / "drops.jsonl").read_text().splitlines()]
    assert len(entries) == 11
    assert entries[-1] == {"lost_entries": 15}


def test_a_file_that_cannot_be_written_is_a_config_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"drop_log: cannot write .*absent.*give a file in a folder that exists"):
        DropLog(tmp_path / "absent" / "drops.jsonl")
