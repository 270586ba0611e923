"""Counts of times against NumPy on the times themselves."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trt_perception.validate.time_counts import TimeCounts

TIMES = st.lists(st.integers(0, 10**11), min_size=1, max_size=60)


@given(TIMES, st.sampled_from([1, 50, 90, 99, 99.9, 100]))
def test_percentiles_are_numpys_to_within_half_a_percent(times: list[int], percent: float) -> None:
    counts = TimeCounts.of(np.array(times, np.int64))
    expected = np.percentile(times, percent, method="inverted_cdf") / 1e6
    # No time at all counts as one of a nanosecond.
    assert counts.percentile_ms(percent) == pytest.approx(expected, rel=0.0051, abs=2e-6)


@given(TIMES)
def test_longest_mean_and_number_are_exact(times: list[int]) -> None:
    counts = TimeCounts.of(np.array(times, np.int64))
    assert (counts.max_ns, counts.sum_ns, counts.count) == (max(times), sum(times), len(times))
    histogram = counts.histogram(8)
    assert sum(histogram["counts"]) == len(times)


@given(TIMES, TIMES, TIMES)
def test_merging_gives_the_counts_of_all_times_in_any_grouping(
    one: list[int], two: list[int], three: list[int]
) -> None:
    parts = [TimeCounts.of(np.array(times, np.int64)) for times in (one, two, three)]
    whole = TimeCounts.of(np.array([*one, *two, *three], np.int64))
    assert TimeCounts.merged([TimeCounts.merged(parts[:2]), parts[2]]) == whole
    assert TimeCounts.merged([parts[2], TimeCounts.merged([parts[1], parts[0]])]) == whole


@given(TIMES)
def test_json_gives_them_back(times: list[int]) -> None:
    counts = TimeCounts.of(np.array(times, np.int64))
    assert TimeCounts.from_plain(json.loads(json.dumps(counts.to_plain()))) == counts
