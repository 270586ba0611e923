"""Frames of two runs find each other whatever their order."""

from __future__ import annotations

import random

from helpers.validation_records import make_record
from hypothesis import given
from hypothesis import strategies as st

from trt_perception.validate.frame_pairs import pair_frames, time_ns

frame_lists = st.lists(st.tuples(st.sampled_from(["front", "left"]), st.integers(0, 6)), max_size=12)


@given(frame_lists, frame_lists, st.integers(0, 99))
def test_each_frame_is_paired_once_or_listed(
    here: list[tuple[str, int]], baseline: list[tuple[str, int]], seed: int
) -> None:
    one = [make_record(index, camera=camera) for camera, index in here]
    other = [make_record(index, camera=camera) for camera, index in baseline]
    random.Random(seed).shuffle(other)
    pairs = list(pair_frames(one, other))
    assert sorted(id(pair.here) for pair in pairs if pair.here is not None) == sorted(map(id, one))
    assert sorted(id(pair.baseline) for pair in pairs if pair.baseline is not None) == sorted(map(id, other))
    for key in {*here, *baseline}:
        both = sum(
            pair.here is not None
            and pair.baseline is not None
            and (pair.here.camera, time_ns(pair.here)) == (key[0], (1000 + key[1]) * 10**9)
            for pair in pairs
        )
        assert both == min(here.count(key), baseline.count(key))
    for pair in pairs:
        if pair.here is not None and pair.baseline is not None:
            assert (pair.here.camera, pair.here.stamp_ns) == (pair.baseline.camera, pair.baseline.stamp_ns)


def test_bags_of_other_names_are_the_same_only_where_it_is_said() -> None:
    one, other = [make_record(0, bag="a")], [make_record(0, bag="b")]
    assert [pair.baseline is None for pair in pair_frames(one, other)] == [True, False]
    (pair,) = pair_frames(one, other, by_bag=False)
    assert (pair.here, pair.baseline) == (one[0], other[0])
