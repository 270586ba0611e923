"""The pixels of a frame as OpenCV reads them, copied only where the encoding has to be converted."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from trt_perception.encoding import Encoding
from trt_perception.frame import Frame
from trt_perception.preprocess.check_image_size import check_image_size

BGR = (0, 1, 2)
RGB = (2, 1, 0)
GREY = (0, 0, 0)

# ROS names a Bayer pattern by its first row from the left, as cameras do; OpenCV by the second and third pixel of the
# second row. So ROS's RGGB is OpenCV's BG.
_BAYER = {
    Encoding.BAYER_RGGB8: cv2.COLOR_BayerBG2BGR,
    Encoding.BAYER_BGGR8: cv2.COLOR_BayerRG2BGR,
    Encoding.BAYER_GBRG8: cv2.COLOR_BayerGR2BGR,
    Encoding.BAYER_GRBG8: cv2.COLOR_BayerGB2BGR,
}
_PACKED_YUV = {Encoding.UYVY: cv2.COLOR_YUV2BGR_UYVY, Encoding.YUYV: cv2.COLOR_YUV2BGR_YUY2}
_SEMI_PLANAR_YUV = {Encoding.NV12: cv2.COLOR_YUV2BGR_NV12, Encoding.NV21: cv2.COLOR_YUV2BGR_NV21}
_INTERLEAVED = {
    Encoding.BGR8: BGR,
    Encoding.RGB8: RGB,
    Encoding.BGRA8: BGR,
    Encoding.RGBA8: RGB,
}


class PixelView(NamedTuple):
    """An image in memory.

    Args:
        pixels: uint8 (h, w, 3 or 4), or (h, w) for grey. Rows may be padded; may be read-only.
        bgr: Which plane of `pixels` holds blue, green and red.
    """

    pixels: NDArray[np.uint8]
    bgr: tuple[int, int, int]


def pixel_view(frame: Frame) -> PixelView:
    """The frame's pixels, 8 bits a channel; a view for bgr8, rgb8, bgra8, rgba8 and mono8.

    mono16 keeps its high byte (value >> 8). YUV is BT.601 limited range, as cv_bridge converts it; chroma is not
    interpolated. Bayer is demosaiced bilinearly.

    Raises:
        FrameError: bad_size for a packed YUV image of odd width or a Bayer image under 4 px.
    """
    check_image_size(frame.encoding, frame.width, frame.height)
    encoding = frame.encoding
    if encoding in _INTERLEAVED:
        return PixelView(_rows(frame, frame.height, frame.width, encoding.bytes_per_pixel), _INTERLEAVED[encoding])
    if encoding is Encoding.MONO8:
        return PixelView(_rows(frame, frame.height, frame.width), GREY)
    if encoding is Encoding.MONO16:
        # Little-endian: the high byte is the second. big-endian pixels are refused where messages are parsed.
        return PixelView(np.ascontiguousarray(_rows(frame, frame.height, frame.width, 2)[:, :, 1]), GREY)
    if encoding in _PACKED_YUV:
        return PixelView(_packed_yuv(frame), BGR)
    if encoding in _SEMI_PLANAR_YUV:
        return PixelView(_semi_planar_yuv(frame), BGR)
    return PixelView(_bayer(frame), BGR)


def _rows(frame: Frame, height: int, width: int, channels: int = 0, *, offset: int = 0) -> NDArray[np.uint8]:
    """A view of `height` rows that start `offset` bytes into the data, (h, w) or (h, w, channels)."""
    shape = (height, width, channels) if channels else (height, width)
    strides = (frame.step, channels, 1) if channels else (frame.step, 1)
    data = np.ascontiguousarray(frame.data)
    return np.ndarray(shape, np.uint8, buffer=data, offset=offset, strides=strides)


def _packed_yuv(frame: Frame) -> NDArray[np.uint8]:
    pixels = _rows(frame, frame.height, frame.width, 2)
    return np.asarray(cv2.cvtColor(pixels, _PACKED_YUV[frame.encoding]), np.uint8)


def _semi_planar_yuv(frame: Frame) -> NDArray[np.uint8]:
    # OpenCV wants even sides. An odd image is read one column and one row larger: what is read there lies inside the
    # data (row padding, then the first chroma row), colours only its own pixels, and is cut off again.
    height, width = frame.height + frame.height % 2, frame.width + frame.width % 2
    luma = _rows(frame, height, width)
    chroma = _rows(frame, height // 2, width // 2, 2, offset=frame.height * frame.step)
    image = cv2.cvtColorTwoPlane(luma, chroma, _SEMI_PLANAR_YUV[frame.encoding])
    return np.asarray(image[: frame.height, : frame.width], np.uint8)


def _bayer(frame: Frame) -> NDArray[np.uint8]:
    return np.asarray(cv2.cvtColor(_rows(frame, frame.height, frame.width), _BAYER[frame.encoding]), np.uint8)
