"""Every drop becomes a line; where entries are lost the log says how many."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
from helpers.fault_times import keep_times
from helpers.worker_fakes import wait_until

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
        began = time.monotonic()
        log.record("front", index, DropReason.LATE)
        counted = time.monotonic() - began
        assert log.lost_count == max(0, index - 9)
    began = time.monotonic()
    log.close()
    keep_times("slow_disk", counted=counted, over=time.monotonic() - began)
    entries = [json.loads(line) for line in (tmp_path / "drops.jsonl").read_text().splitlines()]
    assert len(entries) == 11
    assert entries[-1] == {"lost_entries": 15}


def test_a_file_that_cannot_be_written_is_a_config_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"drop_log: cannot write .*absent.*give a file in a folder that exists"):
        DropLog(tmp_path / "absent" / "drops.jsonl")


FULL = Path("/dev/full")


@pytest.mark.skipif(not FULL.exists(), reason="the system has no /dev/full")
def test_a_full_disk_stops_nothing_and_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drop_log, "PERIOD_S", 0.01)
    log = DropLog(FULL)
    for index in range(10):
        log.record("front", index, DropReason.LATE)
    wait_until(lambda: log.lost_count == 10)
    assert log.problem == "No space left on device"
    log.record("front", 10, DropReason.LATE)
    log.close()
    assert log.lost_count == 11


UNTIL_THERE_IS_ROOM = """
import resource, sys, time
from pathlib import Path
from trt_perception.errors import DropReason
from trt_perception.ros import drop_log

drop_log.PERIOD_S = 0.01
log = drop_log.DropLog(Path(sys.argv[1]))
hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
for index in range(100):
    log.record("front", index, DropReason.LATE)
while not log.problem:
    time.sleep(0.01)
log.record("front", 100, DropReason.LATE)
while log.lost_count < 80:
    time.sleep(0.01)
resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
log.record("front", 101, DropReason.LATE)
while log.problem:
    time.sleep(0.01)
log.close()
print(log.lost_count)
"""


def test_once_there_is_room_again_the_gap_is_named_and_every_other_line_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "drops.jsonl"
    done = subprocess.run(
        [sys.executable, "-c", UNTIL_THERE_IS_ROOM, str(path)], capture_output=True, text=True, timeout=30
    )
    assert done.returncode == 0, done.stderr
    lost = int(done.stdout)
    lines = path.read_text().splitlines()
    entries = [json.loads(line) for line in lines if line.endswith("}")]
    assert len(lines) - len(entries) == 1  # the one that was cut off
    stamps = [entry["stamp_ns"] for entry in entries if "stamp_ns" in entry]
    assert stamps[-1] == 101
    assert len(set(stamps)) == len(stamps) == 102 - lost
    assert sum(entry.get("lost_entries", 0) for entry in entries) == lost
