"""A frame that several take ends once, as the best of what became of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from trt_perception.errors import DropReason
from trt_perception.ros.camera_journal import CameraJournal
from trt_perception.ros.counters import CameraCounters
from trt_perception.ros.drop_log import DropLog
from trt_perception.ros.fault_log import FaultLog
from trt_perception.ros.frame_passage import UNKNOWN
from trt_perception.ros.shared_end import SharedEnd

STAMP = 7


@pytest.mark.parametrize(
    ("reasons", "told"),
    [
        pytest.param([None, DropReason.UNPAIRED], None, id="one_had_a_result"),
        pytest.param([DropReason.UNPAIRED, None, None], None, id="two_had_results"),
        pytest.param([DropReason.NO_LISTENER, DropReason.UNPAIRED], DropReason.UNPAIRED, id="a_fault_comes_first"),
        pytest.param([DropReason.STALE, DropReason.UNPAIRED], DropReason.STALE, id="the_first_fault"),
        pytest.param([DropReason.DISABLED, DropReason.NO_LISTENER], DropReason.DISABLED, id="no_fault"),
    ],
)
def test_the_frame_ends_once(tmp_path: Path, reasons: list[DropReason | None], told: DropReason | None) -> None:
    counters, log = CameraCounters(), DropLog(tmp_path / "drops.jsonl")
    warnings: list[str] = []
    end = SharedEnd(CameraJournal("front", counters, FaultLog(warnings.append), log), STAMP, takers=len(reasons))
    for index, reason in enumerate(reasons):
        now = counters.snapshot(1)
        assert (now.processed, now.dropped) == (0, {}), "told before the last is done"
        if reason is None:
            end.processed(index + 1, latency_ns=5, age_ns=None)
        else:
            end.drop(reason, "", UNKNOWN)
    now = counters.snapshot(10)
    log.close()
    lines = [json.loads(line) for line in (tmp_path / "drops.jsonl").read_text().splitlines()]
    assert (now.processed, now.dropped) == ((1, {}) if told is None else (0, {told: 1}))
    assert warnings == []
    assert lines == ([] if told is None else [{"camera": "front", "stamp_ns": STAMP, "reason": told.value}])


@pytest.mark.parametrize("others", [None, DropReason.CORRUPT_IMAGE], ids=["processed", "dropped"])
def test_what_went_wrong_for_one_taker_is_told_whatever_the_frame_counts_as(others: DropReason | None) -> None:
    counters, warnings = CameraCounters(), list[str]()
    end = SharedEnd(CameraJournal("front", counters, FaultLog(warnings.append), None), STAMP, takers=2)
    if others is None:
        end.processed(1, latency_ns=5, age_ns=None)
    else:
        end.drop(others, "it ends too early", UNKNOWN)
    end.drop(DropReason.INFERENCE_FAILED, "output boxes has NaN", UNKNOWN)
    now = counters.snapshot(10)
    assert (now.processed, now.dropped) == ((1, {}) if others is None else (0, {others: 1}))
    told = ["no result of a pipeline, output boxes has NaN"]
    if others is not None:
        told.insert(0, "frame dropped, it ends too early")
    assert len(warnings) == len(told)
    assert all(text in line for text, line in zip(told, warnings, strict=True))
