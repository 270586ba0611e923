"""Stamps in and out of order, clocks that disagree or jump, bags that loop."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trt_perception.errors import DropReason
from trt_perception.ros.stamp_fault import StampFault
from trt_perception.ros.stamp_monitor import StampMonitor, StampVerdict

MS = 1_000_000
SECOND = 1_000_000_000
NOW = 1_700_000_000 * SECOND
"""Host time at the start of each test; the camera's stamps are 30 ms behind it unless a test says otherwise."""
STEADY = 5_000 * SECOND


class Camera:
    """Gives frames to a monitor; times in milliseconds since the start."""

    def __init__(self, *, sim_time: bool = False) -> None:
        self.monitor = StampMonitor(sim_time=sim_time)

    def see(self, stamp_ms: float, *, at_ms: float, clock_ms: float | None = None) -> StampVerdict:
        clock_ms = at_ms if clock_ms is None else clock_ms
        return self.monitor.judge(
            NOW + round((stamp_ms - 30) * MS), now_ns=NOW + round(clock_ms * MS), steady_ns=STEADY + round(at_ms * MS)
        )

    def drops(
        self, stamps_ms: Sequence[float], *, period_ms: float = 100, start_ms: float = 0
    ) -> list[DropReason | None]:
        return [self.see(stamp, at_ms=start_ms + i * period_ms).drop for i, stamp in enumerate(stamps_ms)]


def test_frames_in_order_are_good() -> None:
    camera = Camera()
    for at in range(0, 3000, 100):
        verdict = camera.see(at, at_ms=at)
        assert (verdict.drop, verdict.faults, verdict.age_is_known) == (None, (), True)


def test_the_same_stamp_again_is_a_duplicate() -> None:
    assert Camera().drops([0, 100, 100, 200]) == [None, None, DropReason.DUPLICATE, None]


def test_a_stamp_between_two_others_is_late() -> None:
    assert Camera().drops([0, 200, 100, 300]) == [None, None, DropReason.LATE, None]


def test_duplicates_do_not_become_a_new_time() -> None:
    assert set(Camera().drops([0] * 40)[1:]) == {DropReason.DUPLICATE}


@pytest.mark.parametrize("hz", [30, 10, 2, 1], ids=lambda hz: f"{hz}_hz")
def test_a_looping_bag_goes_on_within_a_second_and_says_so(hz: int) -> None:
    camera = Camera()
    period = 1000 / hz
    loop = [index * period for index in range(5 * hz)]
    # The second round has the stamps of the first, which the host's clock is seconds ahead of.
    first = [camera.see(stamp, at_ms=index * period) for index, stamp in enumerate(loop)]
    second = [camera.see(stamp, at_ms=5000 + index * period) for index, stamp in enumerate(loop)]
    assert {verdict.drop for verdict in first} == {None}
    resumed = next(index for index, verdict in enumerate(second) if verdict.drop is None)
    last_good_ms = (5 * hz - 1) * period
    assert 5000 + resumed * period - last_good_ms <= 1000
    assert StampFault.TIME_RESET in second[resumed].faults
    assert {verdict.drop for verdict in second[:resumed]} <= {DropReason.LATE, DropReason.DUPLICATE}
    assert {verdict.drop for verdict in second[resumed:]} == {None}
    assert all(StampFault.TIME_RESET not in verdict.faults for verdict in second[resumed + 1 :])


def test_simulated_time_that_goes_back_lets_stamps_go_back_at_once() -> None:
    camera = Camera(sim_time=True)
    for at in range(0, 2000, 100):
        camera.see(at, at_ms=at)
    verdict = camera.see(0, at_ms=2000, clock_ms=10)
    assert verdict.drop is None
    assert verdict.faults == (StampFault.CLOCK_JUMP, StampFault.TIME_RESET)
    assert camera.see(100, at_ms=2100, clock_ms=110).faults == ()


def test_a_jump_back_forgives_once_and_only_for_a_second() -> None:
    camera = Camera(sim_time=True)
    camera.see(1000, at_ms=1000)
    camera.see(1100, at_ms=1100)
    camera.see(1200, at_ms=1200, clock_ms=1000)  # the clock went back, this frame's stamp did not yet
    assert camera.see(1050, at_ms=1300, clock_ms=1100).drop is None
    assert camera.see(1020, at_ms=1310, clock_ms=1110).drop is DropReason.LATE


def test_a_zero_stamp_is_used_and_named_and_leaves_the_order_alone() -> None:
    camera = Camera()
    camera.see(100, at_ms=100)
    for at in (200, 300):
        verdict = camera.monitor.judge(0, now_ns=NOW + at * MS, steady_ns=STEADY + at * MS)
        assert (verdict.drop, verdict.faults, verdict.age_is_known) == (None, (StampFault.ZERO_STAMP,), False)
    assert camera.see(100, at_ms=400).drop is DropReason.DUPLICATE
    assert camera.see(400, at_ms=400).faults == ()


@pytest.mark.parametrize("ahead_ms", [31, 1000, 86_400_000], ids=["1_ms", "1_s", "a_day"])
def test_a_future_stamp_is_used_and_named_and_has_no_age(ahead_ms: int) -> None:
    verdict = Camera().see(ahead_ms, at_ms=0)
    assert (verdict.drop, verdict.faults, verdict.age_is_known) == (None, (StampFault.FUTURE_STAMP,), False)


def test_a_camera_that_is_always_ahead_keeps_its_order() -> None:
    camera = Camera()
    assert [camera.see(10_000 + stamp, at_ms=at).drop for at, stamp in [(0, 0), (100, 100), (200, 50), (300, 100)]] == [
        None,
        None,
        DropReason.LATE,
        DropReason.DUPLICATE,
    ]


def test_one_frame_far_ahead_does_not_make_the_next_ones_late() -> None:
    camera = Camera()
    camera.see(0, at_ms=0)
    assert camera.see(86_400_000, at_ms=100).drop is None
    assert [camera.see(at, at_ms=at).drop for at in (200, 300, 400)] == [None] * 3
    assert camera.see(350, at_ms=450).drop is DropReason.LATE


def test_a_stamp_slightly_ahead_of_simulated_time_is_no_fault_but_has_no_age() -> None:
    verdict = Camera(sim_time=True).see(30 + 25, at_ms=0)
    assert (verdict.drop, verdict.faults, verdict.age_is_known) == (None, (), False)
    assert Camera(sim_time=True).see(30 + 101, at_ms=0).faults == (StampFault.FUTURE_STAMP,)


def test_stamps_from_a_bag_without_simulated_time_are_old_and_have_no_age() -> None:
    camera = Camera()
    verdicts = [camera.see(at - 3 * 86_400_000, at_ms=at) for at in range(0, 1000, 100)]
    assert {verdict.drop for verdict in verdicts} == {None}
    assert {verdict.faults for verdict in verdicts} == {(StampFault.OLD_STAMP,)}
    assert not any(verdict.age_is_known for verdict in verdicts)


def test_simulated_time_without_a_clock_is_named() -> None:
    verdict = StampMonitor(sim_time=True).judge(NOW, now_ns=0, steady_ns=STEADY)
    assert (verdict.drop, verdict.faults, verdict.age_is_known) == (None, (StampFault.NO_CLOCK,), False)


def test_stamps_that_jump_ahead_are_named_once() -> None:
    camera = Camera()
    camera.see(0 - 5000, at_ms=0)
    camera.see(100 - 5000, at_ms=100)
    assert camera.see(200, at_ms=200).faults == (StampFault.STAMP_JUMP,)
    assert camera.see(300, at_ms=300).faults == ()


def test_a_camera_that_was_silent_has_not_jumped() -> None:
    camera = Camera()
    camera.see(0, at_ms=0)
    assert camera.see(20_000, at_ms=20_000).faults == ()


@pytest.mark.parametrize("step_ms", [2000, -2000], ids=["set_ahead", "set_back"])
def test_a_jump_of_the_nodes_clock_is_named(step_ms: int) -> None:
    camera = Camera()
    camera.see(0, at_ms=0)
    camera.see(100, at_ms=100)
    assert StampFault.CLOCK_JUMP in camera.see(200, at_ms=200, clock_ms=200 + step_ms).faults
    assert StampFault.CLOCK_JUMP not in camera.see(300, at_ms=300, clock_ms=300 + step_ms).faults


def test_simulated_time_may_pause_and_run_at_any_rate() -> None:
    camera = Camera(sim_time=True)
    camera.see(0, at_ms=0)
    assert camera.see(10, at_ms=60_000, clock_ms=10).faults == ()  # a pause of a minute
    assert camera.see(500, at_ms=60_100, clock_ms=500).faults == ()  # at five times the speed


def test_a_fault_of_the_clock_is_named_even_where_the_frame_is_dropped() -> None:
    camera = Camera()
    camera.see(0, at_ms=0)
    verdict = camera.see(0, at_ms=100, clock_ms=5100)
    assert (verdict.drop, verdict.faults) == (DropReason.DUPLICATE, (StampFault.CLOCK_JUMP,))


@given(st.lists(st.tuples(st.integers(0, 3000), st.integers(1, 400)), max_size=60))
def test_used_stamps_repeat_or_go_back_only_where_a_reset_is_named(frames: list[tuple[int, int]]) -> None:
    camera = Camera()
    at = 0
    last: int | None = None
    for stamp, pause in frames:
        at += pause
        verdict = camera.see(stamp - 10_000, at_ms=at)
        if verdict.drop is None:
            assert last is None or stamp > last or StampFault.TIME_RESET in verdict.faults
            assert stamp != last
            last = stamp
