"""The slot keeps the newest item, loses none without counting it, and never makes the putting thread wait."""

from __future__ import annotations

import threading
import time

from trt_perception.ros.slot import Slot


def test_take_gives_the_newest_and_put_gives_back_what_it_replaced() -> None:
    slot: Slot[int] = Slot()
    assert slot.put(1) is None
    assert slot.put(2) == 1
    assert slot.put(3) == 2
    assert slot.take(0.0) == 3
    assert slot.replaced_count == 2


def test_take_waits_for_an_item() -> None:
    slot: Slot[str] = Slot()
    timer = threading.Timer(0.05, slot.put, ("late",))
    timer.start()
    assert slot.take(5.0) == "late"
    timer.join()


def test_take_of_an_empty_slot_ends_after_its_time() -> None:
    started = time.monotonic()
    assert Slot[int]().take(0.05) is None
    assert 0.04 < time.monotonic() - started < 2.0


def test_wake_ends_a_waiting_take_at_once() -> None:
    slot: Slot[int] = Slot()
    threading.Timer(0.05, slot.wake).start()
    started = time.monotonic()
    assert slot.take(10.0) is None
    assert time.monotonic() - started < 5.0


def test_every_item_is_taken_or_replaced_once_under_two_threads() -> None:
    slot: Slot[int] = Slot()
    count = 20_000
    taken: list[int] = []
    replaced: list[int] = []
    done = threading.Event()

    def put() -> None:
        for item in range(1, count + 1):
            old = slot.put(item)
            if old is not None:
                replaced.append(old)
        done.set()

    producer = threading.Thread(target=put)
    producer.start()
    while not done.is_set() or len(taken) + len(replaced) < count:
        item = slot.take(0.01)
        if item is not None:
            taken.append(item)
    producer.join()
    assert sorted(taken + replaced) == list(range(1, count + 1))
    assert taken == sorted(taken)
    assert taken[-1] == count
    assert slot.replaced_count == len(replaced)


def test_an_item_wakes_a_take_that_began_after_an_earlier_one_was_taken() -> None:
    # The wake-up of an item that was taken without waiting must not be mistaken for, nor swallow, the next one.
    slot: Slot[int] = Slot()
    for item in range(200):
        slot.put(item)
        assert slot.take(0.0) == item
        timer = threading.Timer(0.001, slot.put, (-item - 1,))
        timer.start()
        got = None
        end = time.monotonic() + 5.0
        while got is None and time.monotonic() < end:
            got = slot.take(5.0)
        assert got == -item - 1
        timer.join()
