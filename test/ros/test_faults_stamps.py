"""Stamps at fault, at a camera's own rate: how long until it is said, and until results come again."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from helpers.channel_rig import Rig
from helpers.fault_times import keep_times
from helpers.worker_fakes import image_bytes

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
        seen = rig.logged_after(image_bytes(start))
        _send(rig, [start] * 20)
        assert _level(rig) is Level.WARN
        keep_times("stamp_repeats", in_log=seen, over=rig.answered_after(image_bytes(start + 1)))
        got = rig.settled()
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
        seen = rig.logged_after(image_bytes(0 if ahead_ns is None else time.time_ns() + ahead_ns))
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


def test_old_stamps_are_processed_and_flagged_and_good_ones_go_on(tmp_path: Path) -> None:
    days = 3 * 86_400 * SECOND
    with Rig(tmp_path) as rig:
        seen = rig.logged_after(image_bytes(time.time_ns() - days))
        _send(rig, (time.time_ns() - days for _ in range(3)))
        assert _level(rig) is Level.WARN
        got = rig.settled()
        assert (got.processed, got.dropped, got.age_p99_ms) == (4, {}, None)
        assert got.stamp_faults == {StampFault.OLD_STAMP: 4}
        keep_times("old_stamp", in_log=seen, over=rig.answered_after(image_bytes(time.time_ns())))
        assert rig.settled().age_p99_ms is not None
    assert rig.warnings[0] == f"camera front: {StampFault.OLD_STAMP.explanation}"


def test_stamps_that_jump_ahead_are_processed_and_told_and_ages_are_measured_anew(tmp_path: Path) -> None:
    with Rig(tmp_path) as rig:
        _send(rig, (time.time_ns() - 10 * SECOND for _ in range(3)))
        assert rig.warnings == []
        seen = rig.logged_after(image_bytes(time.time_ns()))
        assert _level(rig) is Level.WARN
        keep_times("stamp_jump", in_log=seen, over=rig.answered_after(image_bytes(time.time_ns())))
        got = rig.settled()
        assert (got.processed, got.dropped) == (5, {})
        assert got.stamp_faults == {StampFault.STAMP_JUMP: 1}
        assert got.age_p99_ms is not None
        assert got.age_p99_ms < 5000
    assert rig.warnings == [f"camera front: {StampFault.STAMP_JUMP.explanation}"]


@pytest.mark.parametrize("step_ns", [3600 * SECOND, -3600 * SECOND], ids=["set_ahead", "set_back"])
def test_the_hosts_clock_may_be_set_and_frames_are_processed_and_it_is_told(tmp_path: Path, step_ns: int) -> None:
    """The driver's stamps come from the same clock."""
    with Rig(tmp_path) as rig:
        _send(rig, (time.time_ns() for _ in range(3)))
        rig.now_ns = lambda: time.time_ns() + step_ns
        seen = rig.logged_after(image_bytes(time.time_ns() + step_ns))
        assert _level(rig) is Level.WARN
        over = rig.answered_after(image_bytes(time.time_ns() + step_ns))
        keep_times("clock_jump", in_log=seen, over=over)
        got = rig.settled()
        assert (got.processed, got.dropped) == (5, {})
        assert got.stamp_faults[StampFault.CLOCK_JUMP] == 1
        assert got.age_p99_ms is not None
        assert got.age_p99_ms < 5000
    assert rig.warnings[0] == f"camera front: {StampFault.CLOCK_JUMP.explanation}"
