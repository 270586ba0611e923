"""Every frame of every camera ends once, also that of a camera which stands in several sets."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trt_perception.bag.camera_sets import choose_sets
from trt_perception.bag.set_pairer import SetPairer
from trt_perception.errors import InputError
from trt_perception.pairing.frame_pairer import FramePairer
from trt_perception.pairing.paired_set import Outcome, PairedSet
from trt_perception.pairing.pairing_options import IncompleteSet, PairingOptions

MS = 1_000_000
SETS = (("left", "wide"), ("right", "wide"), ("rear", "rear_ir"))
CAMERAS = ("left", "right", "wide", "rear", "rear_ir")


@dataclass(frozen=True, eq=False)
class Shot:
    """A frame."""

    camera: str
    stamp_ns: int


SHOTS = st.lists(st.builds(Shot, st.sampled_from(CAMERAS), st.integers(0, 400).map(lambda ms: ms * MS)), max_size=60)


@given(SHOTS, st.sampled_from(IncompleteSet), st.sampled_from([0.0, 5.0, 60.0]), st.booleans())
def test_every_frame_ends_once(shots: list[Shot], incomplete: IncompleteSet, tolerance: float, in_order: bool) -> None:
    options = PairingOptions(tolerance_ms=tolerance, deadline_ms=100, incomplete=incomplete)
    pairer = SetPairer[Shot](SETS, options)
    came = sorted(shots, key=lambda shot: shot.stamp_ns) if in_order else shots
    outcomes = [outcome for shot in came for outcome in pairer.add(shot.camera, shot)] + pairer.end_all()
    ends: Counter[Shot] = Counter()
    for outcome in outcomes:
        if isinstance(outcome, PairedSet):
            assert tuple(shot.camera for shot in outcome.frames) in SETS
            ends.update(shot for shot, first in zip(outcome.frames, outcome.is_first_use, strict=True) if first)
        else:
            ends[outcome.frame] += 1
    assert ends == Counter(shots)
    for cameras in SETS:
        assert sets_of(outcomes, cameras) == sets_of(alone(came, cameras, options), cameras)


def sets_of(outcomes: list[Outcome[Shot]], cameras: tuple[str, ...]) -> list[tuple[Shot, ...]]:
    found = [outcome.frames for outcome in outcomes if isinstance(outcome, PairedSet)]
    return [frames for frames in found if tuple(shot.camera for shot in frames) == cameras]


def alone(shots: list[Shot], cameras: tuple[str, ...], options: PairingOptions) -> list[Outcome[Shot]]:
    """One set as if there were no other."""
    pairer = FramePairer[Shot](len(cameras), options, is_live=False)
    mine = [shot for shot in shots if shot.camera in cameras]
    outcomes = [outcome for shot in mine for outcome in pairer.add(cameras.index(shot.camera), shot)]
    return outcomes + [outcome for source in range(len(cameras)) for outcome in pairer.end(source)]


@pytest.mark.parametrize(
    ("inputs", "cameras", "expected"),
    [
        (("rgb", "ir"), {"front", "front_ir", "rear"}, (("front", "front_ir"),)),
        (("rgb", "ir"), {"a", "a_ir", "b", "b_ir", "c_ir"}, (("a", "a_ir"), ("b", "b_ir"))),
        (("rgb", "ir", "depth"), {"a", "a_ir", "a_depth", "b", "b_ir"}, (("a", "a_ir", "a_depth"),)),
        (("rgb", "ir"), {"a", "a_ir", "a_ir_ir"}, (("a", "a_ir"),)),
    ],
    ids=["one", "two", "three_inputs", "no_camera_twice"],
)
def test_names_tell_sets(inputs: tuple[str, ...], cameras: set[str], expected: tuple[tuple[str, ...], ...]) -> None:
    assert choose_sets("m", inputs, cameras, where="drive") == expected


@pytest.mark.parametrize(
    ("cameras", "example"),
    [
        ({"front", "front_nir", "rear"}, "--set front,front_nir"),
        ({"colour", "warm", "zoom"}, "--set colour,warm"),
        ({"front"}, "--set FIRST,FIRST_ir"),
    ],
    ids=["names_begin_alike", "others", "too_few"],
)
def test_an_example_is_given_where_they_do_not(cameras: set[str], example: str) -> None:
    with pytest.raises(InputError, match=f"in the order of the inputs, once for each set: {example}$"):
        choose_sets("m", ("rgb", "ir"), cameras, where="drive")


def test_what_the_names_tell_is_the_example() -> None:
    cameras = {"front", "front_ir", "front_left", "front_left_ir"}
    with pytest.raises(InputError, match=r"got 1 cameras; .* e\.g\. --set front,front_ir$"):
        choose_sets("m", ("rgb", "ir"), cameras, (("front_left",),), where="drive")
