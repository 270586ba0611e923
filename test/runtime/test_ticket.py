"""The promise of a result: kept once, for whoever asks, whenever."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from trt_perception.errors import DeviceError
from trt_perception.result import Result
from trt_perception.runtime.ticket import Ticket


def test_many_threads_get_the_result_of_one_wait() -> None:
    waits: list[int] = []

    def finish() -> Result:
        waits.append(threading.get_ident())
        time.sleep(0.05)
        return Result(heads={})

    ticket = Ticket(finish)
    with ThreadPoolExecutor(8) as threads:
        results = list(threads.map(lambda _: ticket.result(), range(8)))
    assert len(waits) == 1
    assert all(result is results[0] for result in results)


def test_settling_keeps_the_error_for_who_asks() -> None:
    ticket = Ticket.failed(DeviceError("broken"))
    ticket.settle()
    for _ in range(2):
        with pytest.raises(DeviceError, match="broken"):
            ticket.result()


def test_what_the_frame_lies_in_is_let_go_once_it_is_read() -> None:
    pixels = bytearray(8)
    view = memoryview(pixels)
    ticket = Ticket(lambda view=view: Result(heads={}, image_size=(len(view), 1)))  # type: ignore[misc]
    view = None  # type: ignore[assignment]
    with pytest.raises(BufferError):
        pixels.append(0)  # the ticket still views it
    ticket.result()
    pixels.append(0)


def test_control_c_is_not_swallowed() -> None:
    def finish() -> Result:
        raise KeyboardInterrupt

    ticket = Ticket(finish)
    with pytest.raises(KeyboardInterrupt):
        ticket.settle()
    with pytest.raises(KeyboardInterrupt):
        ticket.result()
