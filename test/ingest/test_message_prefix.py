"""What a receiver reads of a message without parsing it, against the messages that ROS and our own writer make."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trt_perception.cdr.compressed_image_message import encode_compressed_image
from trt_perception.cdr.image_message import encode_image
from trt_perception.ingest.message_stamp import message_stamp
from trt_perception.ingest.payload_offset import payload_offset
from trt_perception.ingest.token import UNKNOWN_STAMP

PAYLOAD = np.arange(1, 13, dtype=np.uint8)
TEXTS = st.text(st.characters(codec="ascii", exclude_characters="\0"), max_size=40)


@given(frame_id=TEXTS, encoding=TEXTS, stamp_ns=st.integers(-(2**31) * 10**9, 2**31 * 10**9 - 1))
def test_the_offset_is_that_of_the_pixels_and_the_stamp_is_read(frame_id: str, encoding: str, stamp_ns: int) -> None:
    data = encode_image(PAYLOAD.reshape(2, 6), stamp_ns=stamp_ns, frame_id=frame_id, encoding="mono8")
    assert data[payload_offset(data, compressed=False) :] == PAYLOAD.tobytes()
    assert message_stamp(data) == stamp_ns
    data = encode_compressed_image(PAYLOAD, stamp_ns=stamp_ns, frame_id=frame_id, format=encoding)
    assert data[payload_offset(data, compressed=True) :] == PAYLOAD.tobytes()
    assert message_stamp(data) == stamp_ns


@given(data=st.binary(max_size=80), compressed=st.booleans())
def test_any_bytes_have_some_offset_within_them(data: bytes, compressed: bool) -> None:
    assert 0 <= payload_offset(data, compressed=compressed) <= len(data)


@pytest.mark.parametrize("data", [b"", b"\0\1\0\0", b"\0\1\0\0" + bytes(7)], ids=["empty", "start", "cut_off"])
def test_a_message_without_a_stamp_has_an_unknown_one(data: bytes) -> None:
    assert message_stamp(data) == UNKNOWN_STAMP
