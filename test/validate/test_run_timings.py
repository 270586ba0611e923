"""Times of a run: percentiles and a histogram in which every frame is."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from helpers.validation_records import make_record

from trt_perception.validate.run_timings import RunTimings


def test_every_frame_is_in_the_histogram_and_the_percentiles_are_numpys(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    times_ns = random.integers(1_000_000, 50_000_000, (500, 4))
    times_ns[7] *= 100  # one frame that took for ever
    timings = RunTimings(backend="test", processes=1, kept_frames=0)
    for index, times in enumerate(times_ns.tolist()):
        timings.add(make_record(index, camera=("front", "left")[index % 2]), times)
    timings.stop_clock()
    timings.write(tmp_path / "timings.json")
    content = json.loads((tmp_path / "timings.json").read_text())
    total_ms = times_ns.sum(axis=1) / 1e6
    assert content["stages_ms"]["all"]["total"]["p99"] == pytest.approx(np.percentile(total_ms, 99))
    assert content["stages_ms"]["left"]["decode"]["p50"] == pytest.approx(np.percentile(times_ns[1::2, 0] / 1e6, 50))
    edges, counts = content["histogram"]["edges_ms"], content["histogram"]["counts"]
    assert sum(counts) == 500
    assert len(edges) == len(counts) + 1
    assert edges[-1] == pytest.approx(np.percentile(total_ms, 99.9))
    for left, right, count in list(zip(edges[:-1], edges[1:], counts, strict=True))[:-1]:
        assert count == ((total_ms >= left) & (total_ms < right)).sum()


def test_a_run_of_skipped_frames_has_no_times(tmp_path: Path) -> None:
    timings = RunTimings(backend="test", processes=1, kept_frames=0)
    timings.add(make_record(0), [])
    timings.write(tmp_path / "timings.json")
    content = json.loads((tmp_path / "timings.json").read_text())
    assert content["stages_ms"]["all"] == {}
    assert content["histogram"] is None
