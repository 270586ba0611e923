"""The search itself: it finds what it is there to find, and a seed makes the same message again."""

from __future__ import annotations

import dataclasses
import re
import zlib
from collections.abc import Callable

import cv2
import numpy as np
import pytest
from helpers.fuzz_run import FuzzTarget, damaged_message, fuzz
from helpers.mutations import repair_checksums

from trt_perception.errors import DropReason, FrameError


def target(read: Callable[[bytes], object]) -> FuzzTarget:
    return FuzzTarget(
        name="own",
        read=read,
        valid=lambda: (bytes(range(64)),),
        refusal=FrameError,
        bound_bytes=lambda size: 4096 + size,
        count=0,
    )


def strict(data: bytes) -> None:
    if len(data) != 64:
        raise FrameError(DropReason.MALFORMED, "another size")


def test_counts_what_is_taken_and_what_is_refused() -> None:
    outcome = fuzz(target(strict), range(200))
    sizes = [len(damaged_message(target(strict), seed)) for seed in range(200)]
    assert (outcome.taken, outcome.refused) == (sizes.count(64), 200 - sizes.count(64))
    assert min(outcome.taken, outcome.refused) > 0


def test_another_exception_is_a_failure_that_gives_seed_and_message() -> None:
    def read(data: bytes) -> int:
        return data[63]

    with pytest.raises(AssertionError, match=r"^IndexError: .*own, seed \d+, \d+ bytes") as caught:
        fuzz(target(read), range(200))
    found = re.search(r"seed (\d+), .*fromhex\('([0-9a-f]*)'\)", str(caught.value))
    assert found is not None
    assert damaged_message(target(read), int(found[1])) == bytes.fromhex(found[2])


def test_memory_beyond_the_bound_is_a_failure() -> None:
    def read(data: bytes) -> bytes:
        return bytes(8192 if data[0] else 0)

    with pytest.raises(AssertionError, match=r"^8\d\d\d bytes allocated; own, seed"):
        fuzz(target(read), range(200))


def test_a_whole_message_that_is_refused_is_a_failure() -> None:
    with pytest.raises(FrameError, match="another size"):
        fuzz(dataclasses.replace(target(strict), valid=lambda: (b"short",)), range(1))


def test_checksums_are_made_right_again() -> None:
    data = cv2.imencode(".png", np.zeros((4, 4), np.uint8))[1].tobytes()
    damaged = data[:40] + b"\xff" + data[41:]
    repaired = repair_checksums(damaged)
    assert repaired[:41] == damaged[:41]
    assert repair_checksums(data) == data
    assert zlib.crc32(repaired[12:29]).to_bytes(4, "big") == repaired[29:33]
