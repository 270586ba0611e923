"""Waits that do not end are told once, whatever thread they are in; waits that end are not."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from trt_perception.errors import DeviceError
from trt_perception.runtime import gpu_watch
from trt_perception.runtime.gpu_watch import GpuWatch, Watched


def wait_until(condition: Callable[[], object], *, timeout_s: float = 10.0) -> None:
    end = time.monotonic() + timeout_s
    while not condition() and time.monotonic() < end:
        time.sleep(0.005)
    assert condition()


def test_a_wait_that_does_not_end_is_told_once() -> None:
    told: list[DeviceError] = []
    release = threading.Event()

    def wait() -> None:
        with Watched("GPU 0: running the engine demo.engine"):
            release.wait(20.0)

    workers = [threading.Thread(target=wait) for _ in range(2)]
    with GpuWatch(told.append, limit_s=0.2):
        begun = time.monotonic()
        for worker in workers:
            worker.start()
        wait_until(lambda: told)
        took_s = time.monotonic() - begun
        time.sleep(0.5)
        release.set()
        for worker in workers:
            worker.join()
    assert took_s >= 0.2
    assert [str(error) for error in told] == [
        "GPU 0: running the engine demo.engine has not ended after 0.2 s, and nothing on a GPU can be broken off; "
        "the process must be started again"
    ]
    assert told[0].is_sticky
    assert told[0].exit_code == 3


def test_many_short_waits_in_a_row_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[DeviceError] = []
    with GpuWatch(told.append, limit_s=0.2):
        end = time.monotonic() + 0.6
        while time.monotonic() < end:
            with Watched("short"), Watched("and one within"):
                time.sleep(0.001)
    assert told == []
    assert gpu_watch._waits == {}


def test_time_that_the_process_did_not_run_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[DeviceError] = []
    watch = GpuWatch(told.append, limit_s=1000.0)
    looks = iter([False] * 5 + [True])
    # Between two looks lies any time: five looks are not twenty.
    monkeypatch.setattr(watch._stopping, "wait", lambda timeout: next(looks))
    with Watched("long"):
        watch.start()
        watch._thread.join(10.0)
    assert told == []


def test_a_wait_that_fails_is_over() -> None:
    with pytest.raises(RuntimeError), Watched("failing"):
        raise RuntimeError
    assert gpu_watch._waits == {}


def test_a_watch_that_ends_tells_nothing_more() -> None:
    told: list[DeviceError] = []
    watch = GpuWatch(told.append, limit_s=0.1)
    watch.start()
    watch.stop()
    watch.stop()
    with Watched("long"):
        time.sleep(0.3)
    assert told == []
