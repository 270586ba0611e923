"""Stretches of time, draws and intervals, against NumPy used plainly."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trt_perception.validate.paired_bootstrap import (
    MIN_BLOCKS,
    BootstrapOptions,
    Interval,
    draw_weights,
    percentile_interval,
    time_blocks,
)

SECOND = 1_000_000_000

instants = st.lists(
    st.tuples(st.sampled_from(["a", "b"]), st.integers(0, 10**12)), min_size=1, max_size=60, unique=True
)


@given(instants, st.floats(0, 100))
def test_a_stretch_is_of_one_bag_and_no_longer_than_asked(found: list[tuple[str, int]], block_s: float) -> None:
    blocks = time_blocks(found, block_s)
    assert sorted(set(blocks.tolist())) == list(range(max(blocks) + 1))
    for block in set(blocks.tolist()):
        members = [instant for instant, number in zip(found, blocks.tolist(), strict=True) if number == block]
        times = [time_ns for _, time_ns in members]
        assert len({bag for bag, _ in members}) == 1
        assert max(times) - min(times) <= max(round(block_s * SECOND), 0)


def test_cameras_of_an_instant_lie_in_one_stretch_and_short_drives_have_ten() -> None:
    found = [("a", index * SECOND) for index in range(20) for _camera in range(3)]
    blocks = time_blocks(found, 60.0)
    assert (np.ptp(blocks.reshape(20, 3), axis=1) == 0).all()
    assert len(set(blocks.tolist())) == 10
    assert len(set(time_blocks(found, 1.0).tolist())) == 20


def test_draws_have_as_many_stretches_as_there_are_and_follow_the_seed() -> None:
    one, again, other = (draw_weights(12, BootstrapOptions(seed=seed)) for seed in (1, 1, 2))
    assert one is not None
    assert again is not None
    assert other is not None
    assert (one.sum(axis=1) == 12).all()
    assert (one == again).all()
    assert not (one == other).all()
    assert one.mean() == pytest.approx(1.0)
    assert one.var() == pytest.approx(11 / 12, rel=0.1)  # binomial: n p (1 - p)


def test_too_few_stretches_give_no_draws() -> None:
    assert draw_weights(MIN_BLOCKS - 1, BootstrapOptions()) is None
    assert draw_weights(MIN_BLOCKS, BootstrapOptions()) is not None


def test_the_interval_of_a_mean_is_that_of_resampled_values() -> None:
    """The draws as lists of indices into the values, instead of weights."""
    values = np.random.default_rng(3).normal(1.0, 2.0, 40)
    weights = draw_weights(40, BootstrapOptions(replicates=4000, seed=5))
    assert weights is not None
    ours = percentile_interval(weights @ values / 40, 0.9)
    drawn = np.random.default_rng(8).integers(0, 40, (4000, 40))
    low, high = np.percentile(values[drawn].mean(axis=1), (5, 95))
    assert ours is not None
    assert (ours.low, ours.high) == pytest.approx((low, high), abs=0.06)
    normal = 1.645 * values.std() / np.sqrt(40)  # what the central limit theorem says
    assert (ours.low, ours.high) == pytest.approx((values.mean() - normal, values.mean() + normal), abs=0.06)


def test_draws_without_the_statistic_do_not_count_unless_they_are_most() -> None:
    values = np.array([1.0, 2.0, 3.0, np.nan])
    assert percentile_interval(values, 0.5) == Interval(low=1.5, high=2.5)
    assert percentile_interval(np.array([1.0, np.nan, np.nan]), 0.5) is None
    assert percentile_interval(np.zeros(0), 0.5) is None


@pytest.mark.parametrize(
    ("low", "high", "excludes"),
    [
        pytest.param(0.1, 0.2, True, id="above"),
        pytest.param(-0.2, -0.1, True, id="below"),
        pytest.param(-0.1, 0.1, False, id="around"),
        pytest.param(0.0, 0.0, False, id="no_change"),
        pytest.param(0.0, 0.3, False, id="touching"),
    ],
)
def test_says_whether_a_difference_is_noise(low: float, high: float, excludes: bool) -> None:
    assert Interval(low=low, high=high).excludes_zero is excludes
