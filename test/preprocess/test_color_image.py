"""Every encoding becomes the BGR image that an independent conversion in NumPy gives."""

import numpy as np
import pytest
from helpers.frames import bgr_frame, make_frame, noise_image, patch_image, scene_image
from numpy.typing import NDArray

from trt_perception.encoding import Encoding
from trt_perception.errors import DropReason, FrameError
from trt_perception.frame import Frame
from trt_perception.preprocess.color_image import color_image

Image = NDArray[np.uint8]

PADDINGS = pytest.mark.parametrize("padding", [0, 5, 64], ids=["packed", "padded_5", "padded_64"])
INTERLEAVED = {
    Encoding.BGR8: [0, 1, 2],
    Encoding.RGB8: [2, 1, 0],
    Encoding.BGRA8: [0, 1, 2, 0],
    Encoding.RGBA8: [2, 1, 0, 1],
}
BAYER = {
    Encoding.BAYER_RGGB8: "rggb",
    Encoding.BAYER_BGGR8: "bggr",
    Encoding.BAYER_GBRG8: "gbrg",
    Encoding.BAYER_GRBG8: "grbg",
}


@PADDINGS
@pytest.mark.parametrize("encoding", INTERLEAVED, ids=lambda encoding: encoding.value)
def test_interleaved_channels_are_put_in_order(encoding: Encoding, padding: int) -> None:
    image = noise_image(7, 11)
    rows = np.ascontiguousarray(image[:, :, INTERLEAVED[encoding]]).reshape(7, -1)
    frame = make_frame(rows, encoding, width=11, height=7, padding=padding, cut_last_padding=True)
    assert np.array_equal(color_image(frame), image)


@PADDINGS
def test_mono8_repeats_its_grey(padding: int) -> None:
    grey = noise_image(7, 11)[:, :, 0]
    frame = make_frame(grey, Encoding.MONO8, width=11, height=7, padding=padding, cut_last_padding=True)
    assert np.array_equal(color_image(frame), np.repeat(grey[:, :, None], 3, axis=2))


@PADDINGS
def test_mono16_keeps_the_high_byte(padding: int) -> None:
    grey = np.random.default_rng(0).integers(0, 65536, (7, 11), dtype="<u2")
    frame = make_frame(grey.view(np.uint8), Encoding.MONO16, width=11, height=7, padding=padding, cut_last_padding=True)
    assert np.array_equal(color_image(frame), np.repeat((grey >> 8).astype(np.uint8)[:, :, None], 3, axis=2))


@PADDINGS
@pytest.mark.parametrize("encoding", [Encoding.UYVY, Encoding.YUYV], ids=lambda encoding: encoding.value)
@pytest.mark.parametrize("height", [6, 7], ids=["even_height", "odd_height"])
def test_packed_yuv_is_bt601_limited_range(encoding: Encoding, height: int, padding: int) -> None:
    y, u, v = yuv_planes(height, 12, chroma_height=height, chroma_width=6)
    pairs = (u, y[:, ::2], v, y[:, 1::2]) if encoding is Encoding.UYVY else (y[:, ::2], u, y[:, 1::2], v)
    rows = np.stack(pairs, axis=2).reshape(height, -1)
    frame = make_frame(rows, encoding, width=12, height=height, padding=padding, cut_last_padding=True)
    expected = bt601(y, u.repeat(2, axis=1), v.repeat(2, axis=1))
    assert np.abs(color_image(frame).astype(int) - expected).max() <= 2


@PADDINGS
@pytest.mark.parametrize("encoding", [Encoding.NV12, Encoding.NV21], ids=lambda encoding: encoding.value)
@pytest.mark.parametrize(("height", "width"), [(6, 12), (7, 12), (6, 11), (7, 11), (1, 1)])
def test_semi_planar_yuv_is_bt601_limited_range(encoding: Encoding, height: int, width: int, padding: int) -> None:
    half_height, half_width = (height + 1) // 2, (width + 1) // 2
    y, u, v = yuv_planes(height, width, chroma_height=half_height, chroma_width=half_width)
    chroma = np.stack((u, v) if encoding is Encoding.NV12 else (v, u), axis=2).reshape(half_height, -1)
    rows = np.zeros((height + half_height, 2 * half_width), np.uint8)
    rows[:height, :width], rows[height:] = y, chroma
    frame = make_frame(rows, encoding, width=width, height=height, padding=padding, cut_last_padding=True)
    whole_u, whole_v = (plane.repeat(2, axis=0).repeat(2, axis=1)[:height, :width] for plane in (u, v))
    image = color_image(frame)
    assert image.shape == (height, width, 3)
    assert np.abs(image.astype(int) - bt601(y, whole_u, whole_v)).max() <= 2


@PADDINGS
@pytest.mark.parametrize("encoding", BAYER, ids=lambda encoding: encoding.value)
def test_bayer_patches_come_back_in_their_colours(encoding: Encoding, padding: int) -> None:
    image = patch_image(64, 80)
    frame = make_frame(mosaic(image, BAYER[encoding]), encoding, width=80, height=64, padding=padding)
    inside = (np.mgrid[:64, :80] % 16 >= 2).all(axis=0) & (np.mgrid[:64, :80] % 16 <= 13).all(axis=0)
    assert np.array_equal(color_image(frame)[inside], image[inside])


@pytest.mark.parametrize("encoding", BAYER, ids=lambda encoding: encoding.value)
@pytest.mark.parametrize(("height", "width"), [(32, 40), (33, 41), (4, 4)])
def test_bayer_is_demosaiced_bilinearly(encoding: Encoding, height: int, width: int) -> None:
    raw = mosaic(scene_image(height, width), BAYER[encoding])
    image = color_image(make_frame(raw, encoding, width=width, height=height)).astype(int)
    expected = demosaic(raw, BAYER[encoding])
    assert np.abs(image - expected)[1:-1, 1:-1].max() <= 1


def test_bgr8_is_a_view_of_the_message() -> None:
    frame = bgr_frame(noise_image(7, 11), padding=5)
    assert np.shares_memory(color_image(frame), frame.data)


@pytest.mark.parametrize("encoding", list(Encoding), ids=lambda encoding: encoding.value)
def test_read_only_data_of_exactly_the_needed_size_is_enough(encoding: Encoding) -> None:
    rows = np.zeros((encoding.row_count(8), 8 * encoding.bytes_per_pixel), np.uint8)
    frame = make_frame(rows, encoding, width=8, height=8, padding=3, cut_last_padding=True)
    frame.data.flags.writeable = False
    assert color_image(frame).shape == (8, 8, 3)


@pytest.mark.parametrize("encoding", [Encoding.UYVY, Encoding.YUYV], ids=lambda encoding: encoding.value)
def test_packed_yuv_of_odd_width_is_refused(encoding: Encoding) -> None:
    with pytest.raises(FrameError, match="11 px wide") as caught:
        color_image(zero_frame(encoding, width=11, height=4))
    assert caught.value.reason is DropReason.BAD_SIZE


@pytest.mark.parametrize(("height", "width"), [(3, 8), (8, 3), (1, 1)])
def test_bayer_without_neighbours_is_refused(height: int, width: int) -> None:
    with pytest.raises(FrameError, match=f"{width} x {height}") as caught:
        color_image(zero_frame(Encoding.BAYER_RGGB8, width=width, height=height))
    assert caught.value.reason is DropReason.BAD_SIZE


def zero_frame(encoding: Encoding, *, width: int, height: int) -> Frame:
    rows = np.zeros((encoding.row_count(height), width * encoding.bytes_per_pixel), np.uint8)
    return make_frame(rows, encoding, width=width, height=height)


def yuv_planes(height: int, width: int, *, chroma_height: int, chroma_width: int) -> tuple[Image, Image, Image]:
    random = np.random.default_rng(1)
    shapes = ((height, width), (chroma_height, chroma_width), (chroma_height, chroma_width))
    y, u, v = (random.integers(0, 256, shape, dtype=np.uint8) for shape in shapes)
    return y, u, v


def bt601(y: Image, u: Image, v: Image) -> NDArray[np.int64]:
    """ITU-R BT.601 with luma from 16 to 235, on float64."""
    luma, blue, red = 255 / 219 * (y.astype(float) - 16).clip(0), u.astype(float) - 128, v.astype(float) - 128
    blue, red = blue * 255 / 224, red * 255 / 224
    bgr = np.stack((luma + 1.772 * blue, luma - 0.344136 * blue - 0.714136 * red, luma + 1.402 * red), axis=2)
    return np.rint(bgr).clip(0, 255).astype(np.int64)


def mosaic(image: Image, pattern: str) -> Image:
    """What a sensor behind that pattern of filters sees; the pattern's four letters are two rows from the left."""
    raw = np.empty(image.shape[:2], np.uint8)
    for position, colour in enumerate(pattern):
        row, column = divmod(position, 2)
        raw[row::2, column::2] = image[row::2, column::2, "bgr".index(colour)]
    return raw


def demosaic(raw: Image, pattern: str) -> NDArray[np.int64]:
    """Each missing colour is the mean of its nearest neighbours of that colour."""
    height, width = raw.shape
    known = np.zeros((height, width, 3), bool)
    for position, colour in enumerate(pattern):
        row, column = divmod(position, 2)
        known[row::2, column::2, "bgr".index(colour)] = True
    samples = np.where(known, raw[:, :, None], 0).astype(float)
    kernel = np.array([[1, 2, 1], [2, 4, 2], [1, 2, 1]], float)
    weighted = np.zeros_like(samples)
    weights = np.zeros_like(samples)
    values, present = (np.pad(array.astype(float), ((1, 1), (1, 1), (0, 0))) for array in (samples, known))
    for row in range(3):
        for column in range(3):
            weighted += kernel[row, column] * values[row : row + height, column : column + width]
            weights += kernel[row, column] * present[row : row + height, column : column + width]
    return np.where(known, samples, np.floor(weighted / weights + 0.5)).astype(np.int64)
