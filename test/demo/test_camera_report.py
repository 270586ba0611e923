"""The ledger of one camera: every frame that was sent has one fate."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trt_perception.demo.camera_report import report_camera

MS = 1_000_000


def test_tells_answered_dropped_and_never_received_apart() -> None:
    report = report_camera(
        "front",
        sent_ns={stamp: stamp * 100 * MS for stamp in range(1, 7)},
        answered_ns={1: 150 * MS, 2: 230 * MS, 6: 700 * MS},
        drops={3: "replaced", 4: "stale"},
    )
    assert (report.sent, report.answered, report.never_received, report.invented) == (6, 3, 1, 0)
    assert report.dropped == {"replaced": 1, "stale": 1}
    assert report.delay_p50_ms == pytest.approx(50.0)
    assert report.fps == pytest.approx(2 / 0.55)


def test_names_results_that_nobody_asked_for() -> None:
    report = report_camera("front", sent_ns={1: 0}, answered_ns={1: MS, 2: MS}, drops={})
    assert report.invented == 1


def test_a_camera_without_results_has_no_delay() -> None:
    report = report_camera("front", sent_ns={1: 0}, answered_ns={}, drops={})
    assert (report.delay_p50_ms, report.delay_p99_ms, report.fps) == (None, None, 0.0)


STAMPS = st.sets(st.integers(1, 30))


@given(sent=STAMPS, answered=STAMPS, dropped=STAMPS)
def test_the_sums_close(sent: set[int], answered: set[int], dropped: set[int]) -> None:
    report = report_camera(
        "front",
        sent_ns=dict.fromkeys(sent, 0),
        answered_ns=dict.fromkeys(answered, MS),
        drops=dict.fromkeys(dropped, "replaced"),
    )
    assert report.sent == report.answered + sum(report.dropped.values()) + report.never_received
    assert report.never_received == len(sent - answered - dropped)
    assert report.invented == len(answered - sent)
