"""Damaged input of every kind is read or refused by name, within a stated memory: 100,000 messages, a million in soaks.

A failure names target and seed; `helpers.fuzz_run.damaged_message(target, seed)` makes the message again.
"""

from __future__ import annotations

import pytest
from helpers.fuzz_run import FuzzTarget, fuzz
from helpers.fuzz_targets import TARGETS

IN_EVERY_RUN = 100_000
SOAK_FACTOR = 10


@pytest.mark.filterwarnings("ignore:Possible :FutureWarning")  # of re, on brackets in a pattern: no error
@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
@pytest.mark.parametrize(
    "factor", [pytest.param(1, id="every_run"), pytest.param(SOAK_FACTOR, id="soak", marks=pytest.mark.soak)]
)
def test_damaged_input_is_read_or_refused(target: FuzzTarget, factor: int) -> None:
    first = 0 if factor == 1 else target.count  # a soak does not repeat what every run does
    outcome = fuzz(target, range(first, first + factor * target.count))
    assert outcome.taken + outcome.refused == factor * target.count
    assert (outcome.refused > 0) == target.refuses
    assert outcome.taken > 0


def test_every_run_reads_as_many_messages_as_is_said() -> None:
    assert sum(target.count for target in TARGETS) >= IN_EVERY_RUN
