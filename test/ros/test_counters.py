"""The counters add up, whoever counts."""

from __future__ import annotations

import threading

import pytest

from trt_perception.errors import DropReason
from trt_perception.ros.counters import CameraCounters
from trt_perception.ros.stamp_fault import StampFault

SECOND = 1_000_000_000


def test_counts_and_percentiles_appear_in_the_snapshot() -> None:
    counters = CameraCounters(["detect"])
    for index in range(101):
        now = index * SECOND // 20
        counters.add_received(now)
        counters.add_lane_result("detect", now, inference_ns=2_000_000)
        counters.add_processed(now, latency_ns=5_000_000, age_ns=index * 1_000_000)
    counters.add_received(5 * SECOND)
    counters.add_dropped(DropReason.STALE)
    counters.add_lane_unheard("detect")
    counters.add_lane_failed("detect")
    counters.add_restart()
    got = counters.snapshot(5 * SECOND)
    assert (got.received, got.processed, got.dropped) == (102, 101, {DropReason.STALE: 1})
    assert got.age_p50_ms == pytest.approx(50.0)
    assert got.age_p99_ms == pytest.approx(99.0)
    assert (got.latency_p50_ms, got.latency_p99_ms) == (5.0, 5.0)
    assert got.processed_fps == pytest.approx(20.0, rel=0.02)
    assert got.last_received_ns == 5 * SECOND
    assert got.restarts == 1
    lane = got.lanes["detect"]
    assert (lane.results, lane.unheard, lane.failed, lane.inference_p50_ms) == (101, 1, 1, 2.0)


def test_unknown_ages_stay_out_of_the_percentiles() -> None:
    counters = CameraCounters()
    counters.add_processed(1, latency_ns=1, age_ns=None)
    assert counters.snapshot(2).age_p50_ms is None
    counters.add_processed(3, latency_ns=1, age_ns=4_000_000)
    assert counters.snapshot(4).age_p99_ms == 4.0


def test_a_jump_of_a_clock_forgets_the_ages_from_before() -> None:
    counters = CameraCounters()
    counters.add_processed(1, latency_ns=1, age_ns=9_000_000_000)
    counters.add_stamp_faults([StampFault.CLOCK_JUMP], clear_ages=True)
    assert counters.snapshot(2).age_p50_ms is None
    assert counters.snapshot(2).stamp_faults == {StampFault.CLOCK_JUMP: 1}


def test_a_snapshot_does_not_change_afterwards() -> None:
    counters = CameraCounters()
    before = counters.snapshot(0)
    counters.add_dropped(DropReason.LATE)
    assert before.dropped == {}


def test_no_count_is_lost_between_threads() -> None:
    counters = CameraCounters()

    def count() -> None:
        for index in range(2000):
            counters.add_received(index)
            counters.add_dropped(DropReason.REPLACED)
            counters.add_processed(index, latency_ns=1, age_ns=1)

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    got = counters.snapshot(0)
    assert (got.received, got.processed, got.dropped[DropReason.REPLACED]) == (8000, 8000, 8000)
