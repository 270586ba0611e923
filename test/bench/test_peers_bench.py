"""Two ways of running a network are compared by what they found, too."""

from __future__ import annotations

import pytest

from bench.peers.agreement import agreement
from bench.peers.table import peers_tables

CAR = [10.0, 10.0, 110.0, 60.0, 0.9, 2.0]
NEAR = [11.0, 10.0, 110.0, 60.0, 0.8, 2.0]
TRUCK = [10.0, 10.0, 110.0, 60.0, 0.9, 3.0]
FAR = [300.0, 10.0, 400.0, 60.0, 0.9, 2.0]


@pytest.mark.parametrize(
    ("one", "two", "share"),
    [
        ([], [], 1.0),
        ([CAR], [], 0.0),
        ([CAR], [NEAR], 1.0),
        ([CAR], [TRUCK], 0.0),
        ([CAR, FAR], [NEAR], 2 / 3),
        ([CAR], [NEAR, CAR], 2 / 3),
    ],
    ids=["nothing", "one_finds_nothing", "nearly_the_same", "another_class", "one_missed", "a_partner_counts_once"],
)
def test_agreement(one: list[list[float]], two: list[list[float]], share: float) -> None:
    assert agreement(one, two) == pytest.approx(share)


def test_goals_of_peers() -> None:
    rows = [
        {"way": "torch eager FP32", "batch": 1, "ours_best": 9.0, "ours_alone": 4.0, "ours_six": 8.0},
        {"way": "Ultralytics FP32", "batch": 6, "ours_best": 5.0, "ours_alone": 1.0, "ours_six": 3.5},
    ]
    goals = peers_tables({"peers_yolov8n": {"rows": rows}})["peers"].goals
    assert [goal.rpartition(", ")[2] for goal in goals] == ["MISSED", "held"]
