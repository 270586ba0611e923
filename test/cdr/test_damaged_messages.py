"""Whatever bytes come: a message, or a FrameError, and no memory beyond the message's own order of size.

Damage of every other kind: test/fuzz.
"""

import tracemalloc

import pytest
from helpers.cdr_messages import READERS, VALID
from hypothesis import given
from hypothesis import strategies as st

from trt_perception import FrameError

MAX_BYTES = 100_000
"""The messages here have at most 2 kB."""


def read(name: str, data: bytes) -> bool:
    """Whether the reader took the bytes; anything but a FrameError comes through, and so does a hunger for memory."""
    tracemalloc.start()
    try:
        READERS[name](data)
    except FrameError:
        return False
    else:
        return True
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < MAX_BYTES, peak


@pytest.mark.parametrize("name", sorted(READERS))
def test_an_undamaged_message_is_read(name: str) -> None:
    assert read(name, VALID[name])


@pytest.mark.parametrize("name", sorted(READERS))
@given(data=st.binary(max_size=200), valid_start=st.booleans())
def test_arbitrary_bytes(name: str, data: bytes, valid_start: bool) -> None:
    read(name, b"\x00\x01\x00\x00" * valid_start + data)


@pytest.mark.parametrize("name", sorted(READERS))
def test_every_truncation(name: str) -> None:
    data = VALID[name]
    unread = 25 if name == "camera_info" else 0  # binning and region of interest are not needed
    taken = [size for size in range(len(data)) if read(name, data[:size])]
    assert taken == list(range(len(data) - unread, len(data)))


@pytest.mark.parametrize("name", ["detections", "transforms", "label_info"])
@pytest.mark.parametrize("count", [2**32 - 1, 2**31, 10**6])
def test_a_sequence_longer_than_the_message(name: str, count: int) -> None:
    offset = {"detections": 32, "transforms": 4, "label_info": 20}[name]
    data = bytearray(VALID[name])
    assert data[offset] in (2, 3)
    data[offset : offset + 4] = count.to_bytes(4, "little")
    assert not read(name, bytes(data))
