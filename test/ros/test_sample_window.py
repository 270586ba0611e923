"""Percentiles and rates over the last seconds, compared with NumPy on the same samples."""

from __future__ import annotations

import numpy as np
import pytest

from trt_perception.ros.sample_window import CAPACITY, SampleWindow

SECOND = 1_000_000_000


def test_percentiles_are_those_of_the_samples_within_the_window() -> None:
    window = SampleWindow(length_ns=10 * SECOND)
    values = np.random.default_rng(0).integers(0, 10**9, 300)
    for index, value in enumerate(values):
        window.add(index * SECOND // 10, int(value))
    now = 299 * SECOND // 10
    expected = np.percentile(values[200:], (50, 99))  # the sample exactly ten seconds old no longer counts
    assert window.percentiles(now, (50, 99)) == pytest.approx(tuple(expected))


def test_more_samples_than_the_ring_holds_keeps_the_newest() -> None:
    window = SampleWindow(length_ns=10 * SECOND)
    for index in range(3 * CAPACITY):
        window.add(index, index)
    assert window.percentiles(3 * CAPACITY, (0, 100)) == (2 * CAPACITY, 3 * CAPACITY - 1)


def test_nothing_is_known_without_samples() -> None:
    window = SampleWindow(length_ns=SECOND)
    assert window.percentiles(0, (50,)) is None
    window.add(0, 7)
    assert window.percentiles(2 * SECOND, (50,)) is None
    assert window.rate_hz(2 * SECOND) == 0.0


def test_clear_forgets_all() -> None:
    window = SampleWindow(length_ns=SECOND)
    window.add(1, 7)
    window.clear()
    assert window.percentiles(1, (50,)) is None


@pytest.mark.parametrize("hz", [2, 10, 30, 90], ids=lambda hz: f"{hz}_hz")
def test_rate_is_that_of_the_samples(hz: int) -> None:
    window = SampleWindow(length_ns=10 * SECOND)
    for index in range(20 * hz):
        window.add(index * SECOND // hz, 0)
    assert window.rate_hz((20 * hz - 1) * SECOND // hz) == pytest.approx(hz, rel=0.02)


def test_rate_falls_once_nothing_comes() -> None:
    window = SampleWindow(length_ns=10 * SECOND)
    for index in range(101):
        window.add(index * SECOND // 10, 0)
    assert window.rate_hz(15 * SECOND) == pytest.approx(5.0, rel=0.05)
    assert window.rate_hz(21 * SECOND) == 0.0
