"""Image messages: found, viewed and written, judged by rosbags."""

import struct
import tracemalloc

import numpy as np
import pytest
from helpers.reference_types import reference_header, reference_image, reference_types
from hypothesis import given
from hypothesis import strategies as st

from trt_perception import DropReason, Encoding, FrameError
from trt_perception.cdr import encode_image, frame_from_image, parse_image

STORE = reference_types()
TEXTS = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=12)
RNG = np.random.default_rng(5)

SHAPES = {
    "bgr8": (3, 5, 3),
    "rgb8": (3, 5, 3),
    "bgra8": (3, 5, 4),
    "rgba8": (2, 3, 4),
    "mono8": (3, 5),
    "uyvy": (2, 4, 2),
    "yuyv": (2, 4, 2),
    "nv12": (6, 4),
    "nv21": (6, 4),
    "bayer_rggb8": (4, 4),
}


def reference_bytes(encoding: str, image: np.ndarray, *, frame_id: str = "front_optical", **fields: object) -> bytes:
    header = reference_header(STORE, 7, 8, frame_id)
    message = reference_image(STORE, header, encoding=encoding, image=image, **fields)
    return bytes(STORE.serialize_cdr(message, "sensor_msgs/msg/Image"))


def picture(encoding: str) -> np.ndarray:
    return RNG.integers(0, 256, SHAPES[encoding], dtype=np.uint8)


@given(
    sec=st.integers(-(2**31), 2**31 - 1),
    frame_id=TEXTS,
    encoding=TEXTS,
    height=st.integers(0, 3),
    pad=st.integers(0, 5),
)
def test_finds_what_rosbags_wrote(sec: int, frame_id: str, encoding: str, height: int, pad: int) -> None:
    image = np.arange(height * 15, dtype=np.uint8).reshape(height, 5, 3)
    header = reference_header(STORE, sec, 999_999_999, frame_id)
    message = reference_image(STORE, header, encoding=encoding, image=image, pad=pad, is_bigendian=1)
    parsed = parse_image(bytes(STORE.serialize_cdr(message, "sensor_msgs/msg/Image")))
    assert parsed.stamp_ns == sec * 10**9 + 999_999_999
    assert (parsed.frame_id, parsed.encoding) == (frame_id, encoding)
    assert (parsed.height, parsed.width, parsed.step) == (height, 5, 15 + pad)
    assert parsed.is_bigendian
    np.testing.assert_array_equal(parsed.data, message.data)


@given(
    frame_id=TEXTS,
    stamp_ns=st.integers(-(2**31) * 10**9, (2**31 - 1) * 10**9),
    encoding=st.sampled_from(sorted(SHAPES)),
)
def test_rosbags_reads_what_was_written(frame_id: str, stamp_ns: int, encoding: str) -> None:
    image = picture(encoding)
    data = encode_image(image, stamp_ns=stamp_ns, frame_id=frame_id, encoding=encoding)
    message = STORE.deserialize_cdr(data, "sensor_msgs/msg/Image")
    assert message.header.stamp.sec * 10**9 + message.header.stamp.nanosec == stamp_ns
    assert (message.header.frame_id, message.encoding, message.is_bigendian) == (frame_id, encoding, 0)
    assert message.step * image.shape[0] == image.nbytes
    assert message.width == image.shape[1]
    assert message.height == (4 if encoding in ("nv12", "nv21") else image.shape[0])
    np.testing.assert_array_equal(message.data, image.reshape(-1))
    assert bytes(STORE.serialize_cdr(message, "sensor_msgs/msg/Image")) == data


def test_pixels_are_a_view_of_the_message() -> None:
    data = bytearray(reference_bytes("mono8", np.zeros((2, 2), np.uint8)))
    parsed = parse_image(memoryview(data))
    data[-1] = 77
    assert parsed.data[-1] == 77


def test_writes_an_array_that_is_not_contiguous() -> None:
    image = picture("bgr8")
    parsed = parse_image(encode_image(image[::-1, ::-1], stamp_ns=0, frame_id="", encoding="bgr8"))
    np.testing.assert_array_equal(parsed.data.reshape(image.shape), image[::-1, ::-1])


def test_mono16_pixels_are_little_endian() -> None:
    data = encode_image(np.array([[1, 513]], np.uint16), stamp_ns=0, frame_id="", encoding="mono16")
    assert frame_from_image(parse_image(data), "front").data.tolist() == [1, 0, 1, 2]


@pytest.mark.parametrize(
    ("encoding", "image"),
    [
        pytest.param("bgr8", np.zeros((4, 4), np.uint8), id="too_few_channels"),
        pytest.param("mono8", np.zeros((4, 4, 3), np.uint8), id="too_many_channels"),
        pytest.param("mono16", np.zeros((4, 4, 2), np.uint8), id="bytes_for_mono16"),
        pytest.param("bgr8", np.zeros((4, 4, 3), np.float32), id="floats"),
        pytest.param("mono8", np.zeros(4, np.uint8), id="one_dimension"),
    ],
)
def test_refuses_to_write_an_array_that_does_not_fit(encoding: str, image: np.ndarray) -> None:
    with pytest.raises(ValueError, match="encode_image"):
        encode_image(image, stamp_ns=0, frame_id="", encoding=encoding)


@pytest.mark.parametrize("encoding", sorted(SHAPES))
def test_a_frame_keeps_header_size_and_pixels(encoding: str) -> None:
    image = picture(encoding)
    frame = frame_from_image(parse_image(encode_image(image, stamp_ns=-1, frame_id="f", encoding=encoding)), "front")
    assert (frame.camera, frame.stamp_ns, frame.frame_id, frame.encoding) == ("front", -1, "f", Encoding(encoding))
    assert frame.width == image.shape[1]
    assert frame.step * frame.row_count == image.nbytes
    np.testing.assert_array_equal(frame.data, image.reshape(-1))


@pytest.mark.parametrize(("name", "encoding"), [("8UC3", Encoding.BGR8), ("yuv422", Encoding.UYVY)])
def test_a_frame_understands_the_older_names(name: str, encoding: Encoding) -> None:
    image = np.zeros((2, 2, encoding.bytes_per_pixel), np.uint8)
    assert frame_from_image(parse_image(reference_bytes(name, image)), "front").encoding is encoding


def test_row_padding_stays() -> None:
    image = picture("bgr8")
    frame = frame_from_image(parse_image(reference_bytes("bgr8", image, pad=7)), "front")
    assert frame.step == 5 * 3 + 7
    rows = frame.data.reshape(frame.height, frame.step)
    np.testing.assert_array_equal(rows[:, :15].reshape(image.shape), image)


@pytest.mark.parametrize(
    ("fields", "reason", "named"),
    [
        pytest.param({"encoding": "32FC1"}, DropReason.UNKNOWN_ENCODING, "'32FC1'", id="unknown_encoding"),
        pytest.param({"encoding": ""}, DropReason.UNKNOWN_ENCODING, "''", id="empty_encoding"),
        pytest.param(
            {"encoding": "mono16", "is_bigendian": 1}, DropReason.BIG_ENDIAN, "mono16", id="big_endian_pixels"
        ),
        pytest.param({"width": 0}, DropReason.BAD_SIZE, "0 x 4", id="no_width"),
        pytest.param({"height": 0}, DropReason.BAD_SIZE, "4 x 0", id="no_height"),
        pytest.param({"step": 3}, DropReason.BAD_SIZE, "step is 3", id="small_step"),
        pytest.param({"step": 2**32 - 1}, DropReason.SHORT_DATA, "64 bytes", id="huge_step"),
        pytest.param({"height": 5}, DropReason.SHORT_DATA, "64 bytes", id="short_data"),
        pytest.param({"width": 100_000, "height": 100_000}, DropReason.BAD_SIZE, "100000 x 100000", id="absurd_size"),
    ],
)
def test_a_message_that_contradicts_itself_has_its_reason(fields: dict, reason: DropReason, named: str) -> None:
    values = {"encoding": "mono16", **fields}
    image = np.zeros((4, 8), np.uint16)
    message = reference_image(STORE, reference_header(STORE, 0, 0, "f"), image=image, **{"width": 4, **values})
    parsed = parse_image(bytes(STORE.serialize_cdr(message, "sensor_msgs/msg/Image")))
    with pytest.raises(FrameError, match=named) as caught:
        frame_from_image(parsed, "front")
    assert caught.value.reason is reason


def test_big_endian_does_not_matter_for_pixels_of_bytes() -> None:
    data = reference_bytes("bgr8", picture("bgr8"), is_bigendian=1)
    assert frame_from_image(parse_image(data), "front").encoding is Encoding.BGR8


@pytest.mark.parametrize(
    ("start", "reason"),
    [
        pytest.param(b"\x00\x00", DropReason.BIG_ENDIAN, id="cdr_be"),
        pytest.param(b"\x00\x03", DropReason.MALFORMED, id="pl_cdr_le"),
        pytest.param(b"\x00\x07", DropReason.MALFORMED, id="xcdr2"),
        pytest.param(b"\x01\x01", DropReason.MALFORMED, id="first_byte"),
    ],
)
def test_another_representation_is_refused(start: bytes, reason: DropReason) -> None:
    data = start + reference_bytes("bgr8", picture("bgr8"))[2:]
    with pytest.raises(FrameError, match="sensor_msgs/msg/Image") as caught:
        parse_image(data)
    assert caught.value.reason is reason


def test_strings_without_closing_nul_are_read_whole() -> None:
    data = bytearray(encode_image(np.zeros((1, 1), np.uint8), stamp_ns=0, frame_id="abc", encoding="mono8"))
    data[19:20] = b"d"  # where the NUL of the frame_id stood
    assert parse_image(bytes(data)).frame_id == "abcd"


def test_a_string_of_length_zero_is_empty() -> None:
    data = encode_image(np.zeros((1, 1), np.uint8), stamp_ns=0, frame_id="", encoding="mono8")
    without = data[:12] + struct.pack("<I", 0) + data[20:]
    parsed = parse_image(without)
    assert (parsed.frame_id, parsed.encoding, parsed.data.size) == ("", "mono8", 1)


def test_trailing_bytes_are_padding() -> None:
    data = reference_bytes("mono8", np.ones((2, 2), np.uint8))
    assert parse_image(data + bytes(7)).data.tolist() == [1, 1, 1, 1]


def test_a_frame_id_that_is_no_text_is_malformed() -> None:
    data = reference_bytes("mono8", np.ones((2, 2), np.uint8)).replace(b"front_", b"\xff\xfe\xff\xfe\xff\xfe")
    with pytest.raises(FrameError, match="UTF-8") as caught:
        parse_image(data)
    assert caught.value.reason is DropReason.MALFORMED


def test_every_truncation_is_malformed() -> None:
    data = reference_bytes("bgr8", picture("bgr8"))
    for size in range(len(data)):
        with pytest.raises(FrameError) as caught:
            parse_image(data[:size])
        assert caught.value.reason is DropReason.MALFORMED, size


@pytest.mark.parametrize(
    "announced",
    [
        pytest.param({"frame_id": 2**32 - 1}, id="frame_id_of_4_gib"),
        pytest.param({"encoding": 2**32 - 1}, id="encoding_of_4_gib"),
        pytest.param({"data": 2**32 - 1}, id="data_of_4_gib"),
        pytest.param({"frame_id": 2_000_001}, id="frame_id_made_of_pixels"),
        pytest.param({"size": 100_000}, id="100_000_px_square"),
    ],
)
def test_an_absurd_message_allocates_nothing(announced: dict[str, int]) -> None:
    data = bytearray(reference_bytes("bgr8", np.full((1000, 1000, 3), 1, np.uint8), frame_id="abc"))
    for name, value in announced.items():
        for offset in {"frame_id": [12], "size": [20, 24], "encoding": [28], "data": [44]}[name]:
            struct.pack_into("<I", data, offset, value)
    message = bytes(data)
    tracemalloc.start()
    try:
        with pytest.raises(FrameError):
            frame_from_image(parse_image(message), "front")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 64_000
