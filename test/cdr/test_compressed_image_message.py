"""CompressedImage messages, judged by rosbags."""

import numpy as np
import pytest
from helpers.reference_types import reference_header, reference_types
from hypothesis import given
from hypothesis import strategies as st

from trt_perception import DropReason, FrameError
from trt_perception.cdr import encode_compressed_image, parse_compressed_image

STORE = reference_types()
TYPE = "sensor_msgs/msg/CompressedImage"
TEXTS = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=12)


@given(frame_id=TEXTS, text=TEXTS, file=st.binary(max_size=40))
def test_finds_what_rosbags_wrote(frame_id: str, text: str, file: bytes) -> None:
    header = reference_header(STORE, -4, 5, frame_id)
    message = STORE.types[TYPE](header=header, format=text, data=np.frombuffer(file, np.uint8))
    frame = parse_compressed_image(bytes(STORE.serialize_cdr(message, TYPE)), "left")
    assert (frame.camera, frame.stamp_ns, frame.frame_id) == ("left", -4 * 10**9 + 5, frame_id)
    assert (frame.format, frame.data.tobytes()) == (text, file)


@given(frame_id=TEXTS, text=TEXTS, file=st.binary(max_size=40))
def test_rosbags_reads_what_was_written(frame_id: str, text: str, file: bytes) -> None:
    data = encode_compressed_image(file, stamp_ns=123, frame_id=frame_id, format=text)
    message = STORE.deserialize_cdr(data, TYPE)
    assert (message.header.stamp.nanosec, message.header.frame_id, message.format) == (123, frame_id, text)
    assert message.data.tobytes() == file


def test_takes_the_file_as_an_array() -> None:
    array = np.arange(9, dtype=np.uint8)
    assert encode_compressed_image(array, stamp_ns=1, frame_id="f", format="png") == encode_compressed_image(
        array.tobytes(), stamp_ns=1, frame_id="f", format="png"
    )


def test_every_truncation_is_malformed() -> None:
    data = encode_compressed_image(b"12345", stamp_ns=1, frame_id="abc", format="jpeg")
    for size in range(len(data)):
        with pytest.raises(FrameError) as caught:
            parse_compressed_image(data[:size], "left")
        assert caught.value.reason is DropReason.MALFORMED, size


def test_big_endian_is_refused_by_name() -> None:
    data = encode_compressed_image(b"12345", stamp_ns=1, frame_id="abc", format="jpeg")
    with pytest.raises(FrameError, match="big-endian") as caught:
        parse_compressed_image(b"\0\0" + data[2:], "left")
    assert caught.value.reason is DropReason.BIG_ENDIAN
