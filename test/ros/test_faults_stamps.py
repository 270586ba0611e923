"""Stamps at fault, at a camera's own rate: how long until it is said, and until results come again."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from helpers.channel_rig import Rig
from helpers.fault_times import keep_times
from helpers.worker_fakes import image_bytes, wait_until

from trt_perception.errors import DropReason
from trt_perception.ros.camera_status import Level, judge_camera
from trt_perception.ros.image_publishers import ImagePublishers
from trt_perception.ros.stamp_fault import StampFault

SECOND = 10**9
PERIOD_S = 0.05


def _level(rig: Rig) -> Level:
    now_ns = time.monotonic_ns()
    snapshot = rig.channel.snapshot(now_ns)
    return judge_camera(snapshot, None, now_ns=now_ns, topic="/t", publishers=ImagePublishers(names=("/d",))).level


def _send(rig: Rig, stamps: Iterable[int]) -> None:
    for stamp_ns in stamps:
        rig.send(image_bytes(stamp_ns))
        time.sleep(PERIOD_S)


def _send_until_answered(rig: Rig, stamps: Iterator[int]) -> float:
    """Seconds until one of them is a result."""
    before = len(rig.outputs[0].stamps)
    began = time.monotonic()
    while len(rig.outputs[0].stamps) == before:
        assert time.monotonic() - began < 5.0
        rig.send(image_bytes(next(stamps)))
        time.sleep(PERIOD_S)
    return time.monotonic() - began


def _ticks(start_ns: int) -> Iterator[int]:
    """Stamps of a camera from a moment on, in real time."""
    began = time.monotonic_ns()
    while True:
        yield start_ns + time.monotonic_ns() - began


def test_a_bag_that_loops_resumes_within_a_second_and_says_so(tmp_path: Path) -> None:
    start = time.time_ns() - 30 * SECOND
    with Rig(tmp_path) as rig:
        _send(rig, (start + step * SECOND // 20 for step in range(20)))
        over = _send_until_answered(rig, _ticks(start))
        keep_times("stamps_go_back", over=over)
        assert over < 1.0
        got = rig.snapshot()
        assert got.stamp_faults[StampFault.TIME_RESET] == 1
        assert got.dropped[DropReason.LATE] >= 1
        assert any("a bag looped or the camera's clock was set back; going on" in line for line in rig.warnings)
        assert _level(rig) is Level.WARN


def test_a_clock_that_is_set_back_by_an_hour_resumes_within_a_second(tmp_path: Path) -> None:
    with Rig(tmp_path) as rig:
        _send(rig, (time.time_ns() for _ in range(5)))
        over = _send_until_answered(rig, _ticks(time.time_ns() - 3600 * SECOND))
        keep_times("camera_clock_set_back", over=over)
        assert over < 1.0
        assert rig.snapshot().stamp_faults[StampFault.TIME_RESET] == 1


def test_a_frozen_stamp_is_dropped_as_duplicate_and_ends_with_the_next_stamp(tmp_path: Path) -> None:
    start = time.time_ns()
    with Rig(tmp_path) as rig:
        rig.send(image_bytes(start))
        began = time.monotonic()
        rig.channel.receive(image_bytes(start))
        wait_until(lambda: bool(rig.warnings))
        keep_times("stamp_repeats", in_log=time.monotonic() - began)
        _send(rig, [start] * 20)
        assert _level(rig) is Level.WARN
        got = rig.send(image_bytes(start + 1))
    assert rig.outputs[0].stamps == [start, start + 1]
    assert got.dropped == {DropReason.DUPLICATE: 21}
    assert len(rig.warnings) == 1
    assert rig.warnings[0] == "camera front: frame dropped, duplicate: its stamp is not after the last one's"


@pytest.mark.parametrize(
    ("ahead_ns", "fault"),
    [(None, StampFault.ZERO_STAMP), (2 * SECOND, StampFault.FUTURE_STAMP), (86_400 * SECOND, StampFault.FUTURE_STAMP)],
    ids=["zero", "two_seconds_ahead", "a_day_ahead"],
)
def test_zero_and_future_stamps_are_processed_and_flagged_and_good_ones_go_on(
    tmp_path: Path, ahead_ns: int | None, fault: StampFault
) -> None:
    with Rig(tmp_path) as rig:
        _send(rig, (time.time_ns() for _ in range(3)))
        began = time.monotonic()
        rig.channel.receive(image_bytes(0 if ahead_ns is None else time.time_ns() + ahead_ns))
        wait_until(lambda: bool(rig.warnings))
        seen = time.monotonic() - began
        for _ in range(4):
            time.sleep(PERIOD_S)
            rig.send(image_bytes(0 if ahead_ns is None else time.time_ns() + ahead_ns))
        got = rig.settled()
        assert (got.processed, got.dropped) == (8, {})
        assert got.stamp_faults[fault] == 5
        assert _level(rig) is Level.WARN
        over = _send_until_answered(rig, _ticks(time.time_ns()))
        keep_times(fault.value, in_log=seen, over=over)
        assert over < 1.0
    assert any(fault.explanation in line for line in rig.warnings)
    assert rig.snapshot().age_p99_ms is not None
