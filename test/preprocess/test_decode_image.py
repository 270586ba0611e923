"""JPEG and PNG become frames; what is damaged, too large or of another kind is refused with its reason."""

import struct
import zlib
from typing import Any

import cv2
import numpy as np
import pytest
from helpers.frames import encoded_frame, noise_image, scene_image
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from trt_perception.encoding import Encoding
from trt_perception.errors import DropReason, FrameError
from trt_perception.preprocess.color_image import color_image
from trt_perception.preprocess.decode_image import declared_size, decode_image

SAMPLINGS = {
    "4:2:0": cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420,
    "4:2:2": cv2.IMWRITE_JPEG_SAMPLING_FACTOR_422,
    "4:4:4": cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444,
}


def jpeg(image: NDArray[np.uint8], *options: int) -> bytes:
    return bytes(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 90, *options])[1].tobytes())


def png(image: NDArray[Any]) -> bytes:
    return bytes(cv2.imencode(".png", image)[1].tobytes())


def refusal(data: bytes, format_name: str = "jpeg") -> FrameError:
    with pytest.raises(FrameError) as caught:
        decode_image(encoded_frame(data, format_name=format_name))
    return caught.value


def png_chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def png_of_size(width: int, height: int) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = png_chunk(b"IHDR", header) + png_chunk(b"IDAT", zlib.compress(b"\0" * 64)) + png_chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def jpeg_of_size(width: int, height: int) -> bytes:
    data = jpeg(noise_image(16, 16))
    at = data.index(b"\xff\xc0") + 5
    return data[:at] + struct.pack(">HH", height, width) + data[at + 4 :]


@pytest.mark.parametrize("shape", [(48, 64), (47, 61), (1, 1)])
def test_png_comes_back_exactly(shape: tuple[int, int]) -> None:
    image = noise_image(*shape)
    frame = decode_image(encoded_frame(png(image), format_name="png", stamp_ns=1234))
    assert np.array_equal(color_image(frame), image)
    assert frame.encoding is Encoding.BGR8
    assert (frame.camera, frame.stamp_ns, frame.frame_id) == ("front", 1234, "front_optical")


def test_grey_png_is_mono8() -> None:
    image = noise_image(48, 64)[:, :, 0]
    frame = decode_image(encoded_frame(png(image)))
    assert frame.encoding is Encoding.MONO8
    assert np.array_equal(frame.data.reshape(48, 64), image)


def test_png_of_16_bits_keeps_the_high_byte() -> None:
    image = np.random.default_rng(0).integers(0, 65536, (48, 64), dtype=np.uint16)
    frame = decode_image(encoded_frame(png(image)))
    assert np.array_equal(frame.data.reshape(48, 64), image >> 8)


def test_transparency_is_ignored() -> None:
    image = np.dstack((noise_image(48, 64), noise_image(48, 64, seed=1)[:, :, :1]))
    assert np.array_equal(color_image(decode_image(encoded_frame(png(image)))), image[:, :, :3])


@pytest.mark.parametrize("progressive", [0, 1], ids=["baseline", "progressive"])
@pytest.mark.parametrize("restarts", [0, 3], ids=["no_restarts", "restarts"])
@pytest.mark.parametrize("sampling", SAMPLINGS.values(), ids=SAMPLINGS.keys())
@pytest.mark.parametrize("shape", [(120, 160), (121, 163)], ids=["whole_blocks", "odd"])
def test_jpeg_resembles_what_was_encoded(
    shape: tuple[int, int], sampling: int, restarts: int, progressive: int
) -> None:
    image = cv2.GaussianBlur(scene_image(*shape), (0, 0), 2)
    options = (
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR,
        sampling,
        cv2.IMWRITE_JPEG_RST_INTERVAL,
        restarts,
        cv2.IMWRITE_JPEG_PROGRESSIVE,
        progressive,
    )
    decoded = color_image(decode_image(encoded_frame(jpeg(np.asarray(image, np.uint8), *options))))
    assert np.abs(decoded.astype(int) - image).mean() < 2


def test_grey_jpeg_is_mono8() -> None:
    image = scene_image(48, 64)[:, :, 0]
    frame = decode_image(encoded_frame(jpeg(image)))
    assert frame.encoding is Encoding.MONO8
    assert np.abs(frame.data.reshape(48, 64).astype(int) - image).mean() < 4


def test_the_content_decides_not_the_format_field() -> None:
    image = noise_image(8, 8)
    frame = decode_image(encoded_frame(png(image), format_name="bgr8; jpeg compressed bgr8"))
    assert np.array_equal(color_image(frame), image)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_ignored(orientation: int) -> None:
    plain = jpeg(scene_image(48, 64))
    tiff = b"II*\0\x08\0\0\0" + struct.pack("<HHHIHHI", 1, 0x112, 3, 1, orientation, 0, 0)
    exif = b"Exif\0\0" + tiff
    turned = plain[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + plain[2:]
    obeyed = np.asarray(cv2.imdecode(np.frombuffer(turned, np.uint8), cv2.IMREAD_COLOR))
    assert obeyed.shape == ((64, 48, 3) if orientation > 4 else (48, 64, 3))  # OpenCV understands the segment
    expected = decode_image(encoded_frame(plain))
    assert np.array_equal(decode_image(encoded_frame(turned)).data, expected.data)


@pytest.mark.parametrize(
    "size", [(65535, 65535), (16384, 16384), (16385, 1), (1, 20000)], ids=["huge", "large", "wide", "high"]
)
@pytest.mark.parametrize("make", [png_of_size, jpeg_of_size], ids=["png", "jpeg"])
def test_a_bomb_is_refused_before_decoding(make: Any, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cv2.imdecode", lambda *_: pytest.fail("the image was decoded"))
    error = refusal(make(*size))
    assert error.reason is DropReason.BAD_SIZE
    assert f"{size[0]} x {size[1]}" in str(error)


@pytest.mark.parametrize("make", [png_of_size, jpeg_of_size], ids=["png", "jpeg"])
@pytest.mark.parametrize("size", [(0, 10), (10, 0)], ids=["no_width", "no_height"])
def test_an_image_without_pixels_is_refused(make: Any, size: tuple[int, int]) -> None:
    assert refusal(make(*size)).reason is DropReason.BAD_SIZE


FOREIGN = {
    "compressed_depth": (png(noise_image(8, 8)), "16UC1; compressedDepth png", "compressedDepth"),
    "webp": (b"RIFF\x24\0\0\0WEBPVP8 ", "webp", "neither JPEG nor PNG"),
    "h264": (b"\0\0\0\1\x67\x42\xc0\x1e", "h264", "h264"),
    "text": (b"<html></html>", "jpeg", "neither JPEG nor PNG"),
}


@pytest.mark.parametrize(("data", "format_name", "problem"), FOREIGN.values(), ids=FOREIGN.keys())
def test_other_kinds_are_refused_by_name(data: bytes, format_name: str, problem: str) -> None:
    error = refusal(data, format_name)
    assert error.reason is DropReason.UNKNOWN_ENCODING
    assert problem in str(error)


def test_a_message_without_data_is_corrupt() -> None:
    assert refusal(b"").reason is DropReason.CORRUPT_IMAGE


@settings(max_examples=60, deadline=None)
@given(kept=st.floats(0, 1, exclude_max=True), make=st.sampled_from([jpeg, png]))
def test_every_truncated_file_is_corrupt(kept: float, make: Any) -> None:
    data = make(scene_image(40, 56))
    cut = data[: max(9, int(len(data) * kept))]
    assert refusal(cut).reason is DropReason.CORRUPT_IMAGE


@settings(max_examples=40, deadline=None)
@given(
    kept=st.floats(0.3, 0.9),
    sampling=st.sampled_from(sorted(SAMPLINGS.values())),
    restarts=st.sampled_from([0, 10]),
    grey=st.booleans(),
    optimize=st.integers(0, 1),
)
def test_an_end_marker_does_not_hide_missing_data(
    kept: float, sampling: int, restarts: int, grey: bool, optimize: int
) -> None:
    image = scene_image(160, 240)
    data = jpeg(
        image[:, :, 0] if grey else image,
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR,
        sampling,
        cv2.IMWRITE_JPEG_RST_INTERVAL,
        restarts,
        cv2.IMWRITE_JPEG_OPTIMIZE,
        optimize,
    )
    start = data.index(b"\xff\xda") + 16
    cut = data[: start + int((len(data) - start) * kept)].rstrip(b"\xff") + b"\xff\xd9"
    assert refusal(cut).reason is DropReason.CORRUPT_IMAGE


@settings(max_examples=100, deadline=None)
@given(colour=st.integers(0, 255), sampling=st.sampled_from(sorted(SAMPLINGS.values())), data=st.data())
def test_an_image_that_ends_in_one_colour_is_whole(colour: int, sampling: int, data: st.DataObject) -> None:
    image = scene_image(data.draw(st.integers(8, 200)), data.draw(st.integers(8, 200)))
    image[data.draw(st.integers(0, 100)) :, data.draw(st.integers(0, 100)) :] = colour
    grey, quality = data.draw(st.booleans()), data.draw(st.integers(1, 100))
    restarts, optimize = data.draw(st.integers(0, 20)), data.draw(st.integers(0, 1))
    file = jpeg(
        image[:, :, 0] if grey else image,
        cv2.IMWRITE_JPEG_QUALITY,
        quality,
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR,
        sampling,
        cv2.IMWRITE_JPEG_RST_INTERVAL,
        restarts,
        cv2.IMWRITE_JPEG_OPTIMIZE,
        optimize,
    )
    frame = decode_image(encoded_frame(file))
    assert (frame.height, frame.width) == image.shape[:2]


@pytest.mark.parametrize("tail", [b"\0" * 4, b"\0" * 100, b"\xff\xff\xff", b"more\xff\xd8"])
def test_bytes_after_the_end_marker_do_no_harm(tail: bytes) -> None:
    data = jpeg(scene_image(48, 64))
    assert np.array_equal(decode_image(encoded_frame(data + tail)).data, decode_image(encoded_frame(data)).data)


def test_a_flipped_bit_in_a_png_is_corrupt() -> None:
    data = bytearray(png(scene_image(48, 64)))
    data[data.index(b"IDAT") + 500] ^= 1
    assert "checksum" in str(refusal(bytes(data)))


def test_a_declared_size_that_the_data_does_not_have_is_corrupt() -> None:
    data = png(noise_image(8, 8))
    header = struct.pack(">II", 9, 9) + data[24:29]
    assert refusal(data[:8] + png_chunk(b"IHDR", header) + data[33:]).reason is DropReason.CORRUPT_IMAGE


@settings(max_examples=200, deadline=None)
@given(
    start=st.sampled_from(
        [b"\xff\xd8", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xda\0\x08", b"\xff\xd8\xff\xc0\0\x11\x08"]
    ),
    rest=st.binary(max_size=200),
)
def test_arbitrary_bytes_are_refused_with_a_reason(start: bytes, rest: bytes) -> None:
    refusal(start + rest)


@settings(max_examples=200, deadline=None)
@given(at=st.integers(2, 1000), value=st.integers(0, 255), make=st.sampled_from([jpeg, png]))
def test_a_changed_byte_decodes_to_the_declared_size_or_is_refused(at: int, value: int, make: Any) -> None:
    data = bytearray(make(scene_image(24, 32)))
    data[at % len(data)] = value
    try:
        frame = decode_image(encoded_frame(bytes(data)))
    except FrameError:
        return
    assert (frame.width, frame.height) == declared_size(encoded_frame(bytes(data)))


def test_the_declared_size_is_read_without_decoding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cv2.imdecode", lambda *_: pytest.fail("the image was decoded"))
    assert declared_size(encoded_frame(jpeg(scene_image(48, 64)))) == (64, 48)
    assert declared_size(encoded_frame(png(scene_image(48, 64)))) == (64, 48)
