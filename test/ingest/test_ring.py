"""One writer and one reader: whatever the order of their steps, no message is torn or lost unseen."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from trt_perception.errors import DropReason, FrameError
from trt_perception.ingest.ring_ends import make_ring
from trt_perception.ingest.ring_reader import RingMessage, RingReader
from trt_perception.ingest.ring_writer import ALIGNMENT, SLOTS, RingWriter


class Ring:
    """Writer and reader in one process."""

    def __init__(self, *, headroom: float = 1.0) -> None:
        self._writer_ends, self.reader_ends = make_ring("test")
        self.registered: list[tuple[int, int]] = []
        self.writer = RingWriter(self._writer_ends, headroom=headroom)
        self.reader = RingReader(self.reader_ends, register=self._register)
        self._is_writer_gone = False

    def _register(self, address: int, nbytes: int) -> object:
        self.registered.append((address, nbytes))
        return lambda: self.registered.remove((address, nbytes))

    def kill_writer(self) -> None:
        self._is_writer_gone = True
        self.writer.close()
        self._writer_ends.close()

    def close(self) -> None:
        if not self._is_writer_gone:
            self.kill_writer()
        gc.collect()
        assert self.reader.close()
        assert self.registered == []


@pytest.fixture
def ring() -> Iterator[Ring]:
    ring = Ring()
    yield ring
    ring.close()


def message(number: int, nbytes: int) -> bytes:
    """Bytes that tell the number of their message at every place."""
    return np.full(-(-nbytes // 4), number, np.uint32).tobytes()[:nbytes]


def is_whole(got: RingMessage) -> bool:
    return bytes(got.data) == message(got.token.sequence, got.token.length)


class RingMachine(RuleBasedStateMachine):
    """Random steps of both sides. A model knows which messages exist and what became of each."""

    def __init__(self) -> None:
        super().__init__()
        self.ring = Ring()
        self.written = 0
        self.waiting: list[int] = []
        self.held: list[RingMessage] = []
        self.replaced: list[int] = []
        self.taken: list[int] = []

    @rule(nbytes=st.sampled_from([1, 5, 200, 4096, 5000, 20_000]))
    def write(self, nbytes: int) -> None:
        number = self.written + 1
        try:
            replaced = self.ring.writer.write(message(number, nbytes), stamp_ns=10 * number)
        except FrameError:
            assert len(self.held) >= SLOTS, "refused while the reader held less than all"
            return
        self.written = number
        assert [token.stamp_ns for token in replaced] == [10 * token.sequence for token in replaced]
        gone = [token.sequence for token in replaced]
        assert gone == self.waiting[: len(gone)], "the oldest go first"
        self.replaced += gone
        self.waiting = [*self.waiting[len(gone) :], number]

    @rule()
    def take(self) -> None:
        got = self.ring.reader.take()
        assert [one.token.sequence for one in got] == self.waiting
        assert self.waiting == [] or got[-1].token.sequence == self.written, "the newest is among them"
        self.taken += self.waiting
        self.waiting = []
        self.held += got

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        self.held.pop(data.draw(st.integers(0, len(self.held) - 1)))

    @precondition(lambda self: self.held)
    @rule()
    def keep_only_a_view(self) -> None:
        """What is made of a message keeps its slot as the message itself does."""
        last = self.held.pop()
        self.held.insert(0, RingMessage(last.token, memoryview(np.frombuffer(last.data, np.uint8)[:])))

    @rule()
    def sweep(self) -> None:
        self.ring.reader.sweep()

    @invariant()
    def nothing_that_is_held_changes(self) -> None:
        assert all(map(is_whole, self.held))

    @invariant()
    def every_message_has_one_fate(self) -> None:
        assert sorted([*self.taken, *self.replaced, *self.waiting]) == list(range(1, self.written + 1))

    def teardown(self) -> None:
        self.held.clear()
        self.ring.close()


TestRingMachine = RingMachine.TestCase
TestRingMachine.settings = settings(max_examples=40, stateful_step_count=40, deadline=None)


def test_the_reader_gets_the_newest_and_the_writer_says_what_it_replaced(ring: Ring) -> None:
    replaced = [token.stamp_ns for number in range(1, 11) for token in ring.writer.write(b"x", stamp_ns=number)]
    assert replaced == [1, 2, 3, 4, 5, 6]
    assert [got.token.stamp_ns for got in ring.reader.take()] == [7, 8, 9, 10]


def test_a_ring_may_have_more_slots() -> None:
    writer_ends, reader_ends = make_ring("test")
    writer, reader = RingWriter(writer_ends, slots=SLOTS + 3), RingReader(reader_ends)
    held = []
    for number in range(SLOTS + 3):
        writer.write(message(number, 1000))
        held += reader.take()
    with pytest.raises(FrameError, match=f"the node holds all {SLOTS + 3} slots"):
        writer.write(message(99, 1000))
    assert [bytes(each.data) for each in held] == [message(number, 1000) for number in range(SLOTS + 3)]
    held.clear()
    writer.close()
    writer_ends.close()
    assert reader.close()


def test_a_consumer_that_holds_every_slot_is_never_overwritten(ring: Ring) -> None:
    held = []
    for number in range(1, SLOTS + 1):
        ring.writer.write(message(number, 1000))
        held += ring.reader.take()
    with pytest.raises(FrameError, match=f"the node holds all {SLOTS} slots") as caught:
        ring.writer.write(message(99, 1000))
    assert caught.value.reason is DropReason.NO_ROOM
    assert all(map(is_whole, held))
    del held[0]
    assert ring.writer.write(message(SLOTS + 1, 1000)) == []
    assert is_whole(ring.reader.take()[0])


def test_a_larger_message_gets_a_new_segment_and_the_old_one_goes_with_its_last_use(ring: Ring) -> None:
    ring.writer.write(message(1, 1000))
    (old,) = ring.reader.take()
    ring.writer.write(message(2, 100_000))
    (new,) = ring.reader.take()
    ring.reader.sweep()
    assert len(ring.registered) == 2
    assert is_whole(old)
    assert is_whole(new)
    blocks = os.fstat(ring.reader_ends.memory).st_blocks
    del old
    ring.reader.sweep()
    assert [nbytes for _, nbytes in ring.registered] == [new.token.segment_bytes]
    assert os.fstat(ring.reader_ends.memory).st_blocks < blocks, "its memory was not given back"


def test_segments_that_nobody_saw_give_their_memory_back(ring: Ring) -> None:
    for nbytes in (1000, 100_000, 300_000):
        ring.writer.write(message(3, nbytes))
    (last,) = ring.reader.take()
    assert bytes(last.data) == message(3, 300_000)
    assert os.fstat(ring.reader_ends.memory).st_blocks * 512 == last.token.segment_bytes


def test_the_payload_lies_on_an_aligned_address(ring: Ring) -> None:
    for offset in (0, 1, 52, 255, 256, 300):
        ring.writer.write(message(1, 1000), payload_offset=offset)
        (got,) = ring.reader.take()
        assert (np.frombuffer(got.data, np.uint8).ctypes.data + offset) % ALIGNMENT == 0


def test_no_room_says_how_much_is_needed(ring: Ring) -> None:
    class Huge(bytes):
        def __len__(self) -> int:
            return 1 << 50

    with pytest.raises(FrameError, match=r"needs 45\d+ bytes of shared memory, \d+ are available") as caught:
        ring.writer.write(Huge())
    assert caught.value.reason is DropReason.NO_ROOM
    ring.writer.write(message(1, 10))
    assert is_whole(ring.reader.take()[0])


def test_what_a_dead_writer_left_is_read_and_then_the_end_is_seen(ring: Ring) -> None:
    ring.writer.write(message(1, 1000))
    ring.kill_writer()
    (last,) = ring.reader.take()
    assert is_whole(last)
    assert not ring.reader.is_ended
    assert ring.reader.take() == []
    assert ring.reader.is_ended


def test_a_message_in_use_outlives_the_reader(ring: Ring) -> None:
    ring.writer.write(message(1, 1000))
    (last,) = ring.reader.take()
    assert not ring.reader.close()
    assert is_whole(last)
    del last
    assert ring.reader.close()
    assert ring.registered == []
