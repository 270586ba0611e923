"""Silence and return are noticed once each."""

from __future__ import annotations

from trt_perception.ros.watchdog import Watchdog, WatchdogEvent

SECOND = 1_000_000_000


def test_silence_and_return_are_each_told_once() -> None:
    watchdog = Watchdog(timeout_ns=SECOND, start_ns=100 * SECOND)
    assert watchdog.check(100 * SECOND + 1, 100 * SECOND + 2) is None
    assert watchdog.check(100 * SECOND + 1, 101 * SECOND) is None
    assert watchdog.check(100 * SECOND + 1, 102 * SECOND) == WatchdogEvent(is_silence=True, text="no image for 2.0 s")
    assert watchdog.check(100 * SECOND + 1, 150 * SECOND) is None
    assert watchdog.check(151 * SECOND, 151 * SECOND) == WatchdogEvent(
        is_silence=False, text="images come again after 51.0 s"
    )
    assert watchdog.check(151 * SECOND, 151 * SECOND + 1) is None


def test_a_camera_that_never_came_is_told_in_other_words() -> None:
    watchdog = Watchdog(timeout_ns=SECOND, start_ns=100 * SECOND)
    assert watchdog.check(0, 101 * SECOND) is None
    event = watchdog.check(0, 101 * SECOND + 1)
    assert event is not None
    assert event.text == "no image came in the first 1.0 s"
    event = watchdog.check(103 * SECOND, 103 * SECOND)
    assert event == WatchdogEvent(is_silence=False, text="first image came after 3.0 s")


def test_an_image_from_before_the_start_does_not_count() -> None:
    watchdog = Watchdog(timeout_ns=SECOND, start_ns=100 * SECOND)
    event = watchdog.check(50 * SECOND, 102 * SECOND)
    assert event is not None
    assert event.is_silence
