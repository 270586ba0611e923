"""The soak's ledger does not close where it should not, and what must stay flat is seen to grow."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

pytest.importorskip("rclpy", reason="ROS is not here")
pytest.importorskip("vision_msgs", reason="vision_msgs is not here")

from bench.soak.account import Account
from bench.soak.camera import Sent
from bench.soak.episode import Episode
from bench.soak.fault import Fault, Times
from bench.soak.process_sample import ProcessSample
from bench.soak.soak_result import growth
from bench.soak.status_watch import OK, CameraState

CAR = (("car", 0.5, 10.0, 10.0, 4.0, 4.0),)
BUS = (("bus", 0.5, 10.0, 10.0, 4.0, 4.0),)


def state(**counts: int) -> CameraState:
    return CameraState(0.0, OK, "", {key: str(count) for key, count in counts.items()})


def account(**changes: Any) -> Account:
    """Four messages: answered, dropped, unreadable and dropped, never received."""
    whole = Account(
        camera="front",
        sent=[Sent(1, CAR), Sent(2, CAR), Sent(None, None), Sent(4, CAR)],
        foreign=frozenset(),
        answers=[(1, CAR)],
        strange=[],
        unnoticed=[],
        drops=[(2, "replaced"), (None, "malformed")],
        state=state(received=3, processed=1, dropped_replaced=1, dropped_malformed=1),
    )
    return dataclasses.replace(whole, **changes)


def test_a_ledger_that_closes() -> None:
    whole = account()
    assert list(whole.problems()) == []
    assert (whole.sent_count, whole.received, whole.unlogged) == (4, 3, 0)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        pytest.param({"answers": [(9, CAR)]}, "1 stamps were invented, 9 first", id="invented"),
        pytest.param({"drops": [(1, "replaced"), (None, "malformed")]}, "more fates than messages", id="two_fates"),
        pytest.param({"answers": [(1, BUS)]}, "the answer to 1 is not what the model finds", id="another_images_box"),
        pytest.param(
            {"sent": [Sent(1, None), Sent(2, CAR), Sent(None, None)]}, "the answer to 1 is not", id="bad_frame_answered"
        ),
        pytest.param({"answers": []}, "processed 1, but 0 answers came", id="lost_answer"),
        pytest.param({"strange": ["1: other"]}, "header of an answer: 1: other", id="another_header"),
        pytest.param(
            {"state": state(received=4, processed=1, dropped_replaced=1, dropped_malformed=1)},
            "the sum is wrong",
            id="frame_without_fate",
        ),
        pytest.param(
            {"state": state(received=2, processed=1, dropped_replaced=1)}, "the drop log has", id="log_and_counters"
        ),
        pytest.param({"unnoticed": [None]}, "did not tell in time of 1 bad frames of stamp None", id="silence"),
    ],
)
def test_what_does_not_close_is_named(changes: dict[str, Any], problem: str) -> None:
    problems = "; ".join(account(**changes).problems())
    assert "front: " in problems
    assert problem in problems


def test_a_bad_frame_that_was_replaced_or_lost_need_not_be_told_of() -> None:
    assert list(account(unnoticed=[2, 4]).problems()) == []
    assert len(list(account(unnoticed=[1]).problems())) == 1


def test_a_stamp_that_was_sent_twice_may_have_two_fates_and_two_images() -> None:
    twice = account(
        sent=[Sent(0, CAR), Sent(0, BUS)],
        answers=[(0, BUS), (0, CAR)],
        drops=[],
        state=state(received=2, processed=2),
    )
    assert list(twice.problems()) == []


@pytest.mark.parametrize(
    ("times", "seen", "over"),
    [
        pytest.param(Times(seen_s=2.0, over_s=1.0), True, True, id="at_the_limit"),
        pytest.param(Times(seen_s=2.1, over_s=0.1), False, True, id="late"),
        pytest.param(Times(seen_s=None, over_s=None), False, False, id="never"),
    ],
)
def test_an_episode_is_judged_by_its_faults_limits(times: Times, seen: bool, over: bool) -> None:
    fault = Fault(name="any", play=lambda camera, before: times, seen_within_s=2.0, over_within_s=1.0)
    episode = Episode.of(fault, "front", 0.0, times)
    assert (episode.was_seen, episode.is_over) == (seen, over)


def samples(memory: list[float], files: list[int]) -> list[ProcessSample]:
    return [
        ProcessSample(at_s=10.0 * i, private_mb=mb, resident_mb=mb, files=count, threads=1, cpu_s=0.0)
        for i, (mb, count) in enumerate(zip(memory, files, strict=True))
    ]


def test_growth_is_that_after_warming_up() -> None:
    flat = samples([*range(20), *[50.0] * 80], [10] * 100)
    assert growth(flat) == (pytest.approx(0.0, abs=1e-9), 0)
    leak = samples([float(i) for i in range(100)], [10 + i // 10 for i in range(100)])
    megabytes, files = growth(leak)
    assert megabytes == pytest.approx(79.0)
    assert files > 4
