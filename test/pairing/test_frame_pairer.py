"""FramePairer: which frames become one set, and that every frame ends once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trt_perception.pairing.frame_pairer import FramePairer
from trt_perception.pairing.paired_set import Outcome, PairedSet, UnpairedFrame
from trt_perception.pairing.pairing_options import IncompleteSet, PairingOptions

MS = 1_000_000
TOLERANCE_MS, DEADLINE_MS = 5, 50


@dataclass(frozen=True, eq=False)
class Shot:
    """A frame: of which source, and when it was taken."""

    source: int
    stamp_ms: int

    @property
    def stamp_ns(self) -> int:
        return self.stamp_ms * MS


def make(*, sources: int = 2, policy: str = "drop", live: bool = True, most: int | None = None) -> FramePairer[Shot]:
    options = PairingOptions(tolerance_ms=TOLERANCE_MS, deadline_ms=DEADLINE_MS, incomplete=IncompleteSet(policy))
    return FramePairer(sources, options, is_live=live, most_waiting=most)


def run(pairer: FramePairer[Shot], events: Iterable[tuple[int, Shot]]) -> list[Outcome[Shot]]:
    """Outcomes of frames that come at those milliseconds."""
    return [outcome for came, shot in events for outcome in pairer.add(shot.source, shot, came * MS)]


def sets(outcomes: Iterable[Outcome[Shot]]) -> list[tuple[int, ...]]:
    return [tuple(shot.stamp_ms for shot in each.frames) for each in outcomes if isinstance(each, PairedSet)]


def unpaired(outcomes: Iterable[Outcome[Shot]]) -> list[tuple[int, int]]:
    return [(each.source, each.frame.stamp_ms) for each in outcomes if isinstance(each, UnpairedFrame)]


def ended(outcomes: Iterable[Outcome[Shot]]) -> Counter[Shot]:
    """How often each frame ended."""
    ends: Counter[Shot] = Counter()
    for each in outcomes:
        if isinstance(each, UnpairedFrame):
            ends[each.frame] += 1
        else:
            ends.update(shot for shot, first in zip(each.frames, each.is_first_use, strict=True) if first)
    return ends


def finish(pairer: FramePairer[Shot], sources: int) -> list[Outcome[Shot]]:
    return [outcome for source in range(sources) for outcome in pairer.end(source)]


@st.composite
def streams(draw: st.DrawFn, *, sources: int = 2, least_gap: int = 0) -> list[list[Shot]]:
    """Frames of each source, stamps rising, at most 12 each."""
    gaps = st.lists(st.integers(max(least_gap, 1), 60), max_size=12)
    result = []
    for source in range(sources):
        stamp, shots = draw(st.integers(0, 40)), []
        for gap in draw(gaps):
            shots.append(Shot(source, stamp))
            stamp += gap
        result.append(shots)
    return result


@st.composite
def interleavings(draw: st.DrawFn, shots: Sequence[Sequence[Shot]]) -> list[Shot]:
    """All frames, each source's in its own order."""
    turns = draw(st.permutations([source for source, each in enumerate(shots) for _ in each]))
    left = [iter(each) for each in shots]
    return [next(left[source]) for source in turns]


@pytest.mark.parametrize("policy", ["drop", "latest"])
@pytest.mark.parametrize("live", [True, False], ids=["live", "offline"])
@given(data=st.data())
def test_every_frame_ends_exactly_once(policy: str, live: bool, data: st.DataObject) -> None:
    sources = data.draw(st.integers(1, 3))
    order = data.draw(interleavings(data.draw(streams(sources=sources))))
    came = sorted(data.draw(st.lists(st.integers(0, 500), min_size=len(order), max_size=len(order))))
    pairer = make(sources=sources, policy=policy, live=live, most=data.draw(st.none() | st.integers(1, 4)))
    outcomes = run(pairer, zip(came, order, strict=True))
    outcomes += pairer.clear() if data.draw(st.booleans()) else finish(pairer, sources)
    assert ended(outcomes) == Counter(order)
    assert not any(pairer.kept)


@pytest.mark.parametrize("policy", ["drop", "latest"])
@given(data=st.data())
def test_the_order_between_sources_does_not_matter_within_the_deadline(policy: str, data: st.DataObject) -> None:
    """An independent reference: where a source's frames lie far apart, each has at most one partner."""
    shots = data.draw(streams(sources=2, least_gap=2 * TOLERANCE_MS + 1))
    pairer = make(policy=policy, most=100)
    outcomes = run(pairer, ((0, shot) for shot in data.draw(interleavings(shots))))
    outcomes += finish(pairer, 2)
    near = [
        (first.stamp_ms, second.stamp_ms)
        for first in shots[0]
        for second in shots[1]
        if abs(first.stamp_ms - second.stamp_ms) <= TOLERANCE_MS
    ]
    found = sets(outcomes)
    assert [pair for pair in found if abs(pair[0] - pair[1]) <= TOLERANCE_MS] == near
    if policy == "drop":
        assert found == near


@given(data=st.data())
def test_offline_the_nearest_wins_in_any_order(data: st.DataObject) -> None:
    shots = data.draw(streams(sources=2))
    expected, free = [], list(shots[1])
    for first in shots[0]:
        near = [shot for shot in free if abs(shot.stamp_ms - first.stamp_ms) <= TOLERANCE_MS]
        if near:
            best = min(near, key=lambda shot: (abs(shot.stamp_ms - first.stamp_ms), shot.stamp_ms))
            free.remove(best)
            expected.append((first.stamp_ms, best.stamp_ms))
    pairer = make(live=False)
    outcomes = run(pairer, ((0, shot) for shot in data.draw(interleavings(shots))))
    assert sets(outcomes + finish(pairer, 2)) == expected


@pytest.mark.parametrize("policy", ["drop", "latest"])
@pytest.mark.parametrize("silent", [0, 1], ids=["first", "partner"])
@given(period=st.integers(1, 100))
def test_memory_is_bounded_and_frames_go_in_time_while_a_source_is_silent(
    policy: str, silent: int, period: int
) -> None:
    pairer = make(policy=policy)
    for index in range(40):
        came = index * period
        pairer.add(1 - silent, Shot(1 - silent, came), came * MS)
        assert sum(pairer.kept) <= 1 + min(DEADLINE_MS // period, PairingOptions(deadline_ms=DEADLINE_MS).most_waiting)
    pairer.expire((came + DEADLINE_MS) * MS)
    assert not any(pairer.kept)


@pytest.mark.parametrize("order", [(0, 1), (1, 0)], ids=["first_first", "partner_first"])
@pytest.mark.parametrize("off_ms", [-5, 0, 5])
def test_a_set_is_complete_at_once_when_the_second_comes(order: tuple[int, int], off_ms: int) -> None:
    pairer = make()
    shots = [Shot(0, 100), Shot(1, 100 + off_ms)]
    assert run(pairer, [(100, shots[order[0]])]) == []
    assert sets(run(pairer, [(110, shots[order[1]])])) == [(100, 100 + off_ms)]


@pytest.mark.parametrize("off_ms", [-6, 6])
def test_a_stamp_beyond_the_tolerance_is_no_partner(off_ms: int) -> None:
    pairer = make()
    outcomes = run(pairer, [(100, Shot(0, 100)), (101, Shot(1, 100 + off_ms))]) + pairer.expire(150 * MS)
    assert sets(outcomes) == []
    (first,) = [each for each in outcomes if isinstance(each, UnpairedFrame) and each.source == 0]
    assert (first.missing, first.nearest_ns) == (1, off_ms * MS)


def test_a_nearer_frame_is_waited_for_where_one_is_to_be_expected() -> None:
    """The partner sends every 6 ms: 4 ms before the first's frame is near enough, 2 ms after it is nearer."""
    pairer = make()
    early = run(pairer, [(90, Shot(1, 90)), (96, Shot(1, 96)), (100, Shot(0, 100))])
    assert sets(early) == []
    assert sets(run(pairer, [(102, Shot(1, 102))])) == [(100, 102)]


def test_the_deadline_takes_what_is_there_rather_than_wait_for_a_nearer_one() -> None:
    pairer = make()
    run(pairer, [(90, Shot(1, 90)), (96, Shot(1, 96)), (100, Shot(0, 100))])
    assert pairer.next_deadline_ns == 150 * MS
    assert sets(pairer.expire(150 * MS)) == [(100, 96)]


def test_a_partner_that_has_moved_past_ends_the_wait() -> None:
    pairer = make()
    outcomes = run(pairer, [(100, Shot(0, 100)), (101, Shot(1, 133))])
    assert unpaired(outcomes) == [(0, 100)]
    assert sets(run(pairer, [(133, Shot(0, 133))])) == [(133, 133)]


def test_under_drop_a_frame_is_used_once() -> None:
    pairer = make()
    outcomes = run(pairer, [(100, Shot(0, 98)), (100, Shot(1, 100)), (102, Shot(0, 102))]) + pairer.expire(200 * MS)
    assert sets(outcomes) == [(98, 100)]
    assert unpaired(outcomes) == [(0, 102)]


def test_under_latest_the_newest_earlier_frame_stands_in_until_it_is_too_old() -> None:
    pairer = make(policy="latest")
    events = [(0, Shot(0, 0)), (1, Shot(1, 0)), (33, Shot(0, 33)), (66, Shot(0, 66))]
    outcomes = run(pairer, events)
    for now in range(70, 200):
        outcomes += pairer.expire(now * MS)
    assert sets(outcomes) == [(0, 0), (33, 0)]  # 66 ms are more than the deadline's 50
    assert [each.is_first_use for each in outcomes if isinstance(each, PairedSet)] == [(True, True), (True, False)]
    assert unpaired(outcomes) == [(0, 66)]


def test_sets_come_in_the_order_of_the_first_source() -> None:
    pairer = make(sources=3)
    early = run(pairer, [(0, Shot(0, 0)), (0, Shot(1, 0)), (33, Shot(0, 33)), (33, Shot(1, 33))])
    assert sets(early) == []
    assert sets(run(pairer, [(34, Shot(2, 0)), (35, Shot(2, 33))])) == [(0, 0, 0), (33, 33, 33)]


def test_it_recovers_when_the_stamps_begin_anew() -> None:
    """A bag that loops: the partner's stamps go back first."""
    pairer = make()
    run(pairer, [(0, Shot(0, 9000)), (1, Shot(1, 9000))])
    outcomes = []
    for index in range(10):
        now = 33 * (index + 1)
        outcomes += run(pairer, [(now, Shot(1, 33 * index)), (now + 20, Shot(0, 33 * index))])
    assert sets(outcomes)[-8:] == [(33 * index, 33 * index) for index in range(2, 10)]


def test_one_source_needs_no_partner() -> None:
    assert sets(make(sources=1).add(0, Shot(0, 7))) == [(7,)]
