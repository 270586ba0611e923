"""The first fault is said at once, the rest is summed up every ten seconds."""

from __future__ import annotations

import threading

from trt_perception.ros.fault_log import FaultLog

SECOND = 1_000_000_000


def test_first_at_once_then_a_summary_then_quiet() -> None:
    lines: list[str] = []
    log = FaultLog(lines.append)
    for index in range(100):
        log.report("front", "corrupt_image", f"frame {index} is bad", now_ns=index * SECOND // 20)
        log.flush(index * SECOND // 20)
    assert lines == ["camera front: frame 0 is bad"]
    log.flush(10 * SECOND)
    assert lines[1:] == ["camera front: corrupt_image 99 more times in 10 s; last: frame 99 is bad"]
    log.flush(20 * SECOND)
    log.flush(31 * SECOND)
    assert len(lines) == 2


def test_a_fault_after_a_quiet_time_is_said_at_once_again() -> None:
    lines: list[str] = []
    log = FaultLog(lines.append)
    log.report("front", "late", "late", now_ns=0)
    log.flush(10 * SECOND)
    log.report("front", "late", "late again", now_ns=11 * SECOND)
    assert lines == ["camera front: late", "camera front: late again"]


def test_cameras_and_kinds_do_not_silence_each_other() -> None:
    lines: list[str] = []
    log = FaultLog(lines.append)
    for camera in ("front", "back"):
        for kind in ("late", "stale"):
            log.report(camera, kind, kind, now_ns=0)
    assert lines == ["camera front: late", "camera front: stale", "camera back: late", "camera back: stale"]


def test_every_fault_is_said_or_counted_under_threads() -> None:
    lines: list[str] = []
    log = FaultLog(lines.append)

    def report() -> None:
        for _ in range(1000):
            log.report("front", "late", "x", now_ns=0)

    threads = [threading.Thread(target=report) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    log.flush(10 * SECOND)
    assert lines == ["camera front: x", "camera front: late 3999 more times in 10 s; last: x"]
