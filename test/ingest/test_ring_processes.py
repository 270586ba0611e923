"""A writer in a process of its own, at full speed and killed at any moment: nothing that is read is torn."""

from __future__ import annotations

import random
import subprocess
import sys
import time

import numpy as np
import pytest

from trt_perception.ingest.ring_ends import make_ring
from trt_perception.ingest.ring_reader import RingMessage, RingReader
from trt_perception.ingest.ring_writer import SLOTS

WRITER = """
import sys
from trt_perception.errors import FrameError
from trt_perception.ingest.ring_ends import WriterEnds
from trt_perception.ingest.ring_writer import RingWriter

ends = WriterEnds(**{key: int(value) for key, value in zip(sys.argv[1::2], sys.argv[2::2])})
writer, number = RingWriter(ends), 0
while True:
    number += 1
    size = 4 * (1 + number * 7919 % 50_000) * (1 + number // 1000)
    try:
        writer.write(number.to_bytes(4, "little") * (size // 4), stamp_ns=number)
    except FrameError:
        pass
"""


def is_whole(got: RingMessage) -> bool:
    return bool((np.frombuffer(got.data, np.uint32) == got.token.stamp_ns).all())


@pytest.mark.parametrize("seconds", [0.2, 0.35, 1.0])
def test_whatever_is_read_is_whole_until_the_writer_is_killed_and_after(seconds: float) -> None:
    writer_ends, reader_ends = make_ring("test")
    arguments = [str(part) for pair in vars(writer_ends).items() for part in pair]
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, *arguments], pass_fds=writer_ends.descriptors, stdin=subprocess.DEVNULL
    )
    writer_ends.close()
    reader = RingReader(reader_ends)
    choose = random.Random(0)
    held: list[RingMessage] = []
    last, end = 0, float("inf")
    try:
        while not reader.is_ended:
            for got in reader.take():
                end = min(end, time.monotonic() + seconds)  # from the first message on
                assert got.token.stamp_ns > last, "out of order"
                last = got.token.stamp_ns
                assert is_whole(got)
                held.append(got)
            while len(held) > SLOTS - 2:  # two are enough for a writer to go on with
                held.pop(choose.randrange(len(held)))
            assert all(map(is_whole, held)), "a message changed while it was held"
            reader.sweep()
            if time.monotonic() > end:
                writer.kill()
    finally:
        writer.kill()
        writer.wait()
    assert last > 10
    assert all(map(is_whole, held))
    del got
    held.clear()
    assert reader.close()
