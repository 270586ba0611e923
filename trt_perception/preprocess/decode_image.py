"""A compressed image as a raw frame."""

from __future__ import annotations

import cv2
import numpy as np

from trt_perception.encoding import Encoding
from trt_perception.errors import DropReason, FrameError
from trt_perception.frame import MAX_SIDE_PX, EncodedFrame, Frame
from trt_perception.preprocess import jpeg_header, png_header
from trt_perception.preprocess.jpeg_header import JpegHeader
from trt_perception.preprocess.jpeg_tail import ends_early, has_gap
from trt_perception.preprocess.png_header import PngHeader

MAX_IMAGE_PX = 2**26
"""Most pixels that are decoded (67 million, 200 MB as BGR): more than any camera has, less than a bomb needs."""

_DEPTH_FORMAT = "compresseddepth"


def decode_image(frame: EncodedFrame) -> Frame:
    """Decode JPEG or PNG to a bgr8 frame, or mono8 where the file holds grey.

    What the file is, its first bytes say, not the `format` field. The declared size is checked before anything is
    allocated. 16-bit PNG keeps the high byte; transparency and EXIF orientation are ignored: the pixels are the
    sensor's, and calibration refers to them.

    Raises:
        FrameError: unknown_encoding: neither JPEG nor PNG, or compressedDepth, whose PNG holds distances.
            bad_size: a side of zero, or more pixels than are believed. corrupt_image: cut off, damaged, undecodable.
    """
    data = np.ascontiguousarray(frame.data)
    header = _read_header(data.data, frame.format)
    width, height, is_grey = header.width, header.height, header.is_grey
    colour = cv2.IMREAD_GRAYSCALE if is_grey else cv2.IMREAD_COLOR
    try:
        image = cv2.imdecode(data, colour | cv2.IMREAD_IGNORE_ORIENTATION)
    except cv2.error as error:
        raise FrameError(DropReason.CORRUPT_IMAGE, f"{width} x {height} image does not decode: {error}") from error
    if image is None or image.shape[:2] != (height, width):
        got = "nothing" if image is None else f"{image.shape[1]} x {image.shape[0]}"
        raise FrameError(DropReason.CORRUPT_IMAGE, f"image declares {width} x {height}, decoding gave {got}")
    pixels = np.asarray(image, np.uint8)
    if isinstance(header, JpegHeader) and ends_early(header, data.data, pixels):
        raise FrameError(DropReason.CORRUPT_IMAGE, "JPEG lacks data: its last blocks were not there to decode")
    return Frame(
        camera=frame.camera,
        stamp_ns=frame.stamp_ns,
        frame_id=frame.frame_id,
        encoding=Encoding.MONO8 if is_grey else Encoding.BGR8,
        width=width,
        height=height,
        step=width if is_grey else 3 * width,
        data=pixels.reshape(-1),
    )


def declared_size(frame: EncodedFrame) -> tuple[int, int]:
    """Width and height that the file declares, checked as `decode_image` does, without decoding.

    Raises:
        FrameError: As `decode_image`.
    """
    header = _read_header(np.ascontiguousarray(frame.data).data, frame.format)
    return header.width, header.height


def _read_header(data: memoryview, format_name: str) -> JpegHeader | PngHeader:
    """What the file declares; its size is acceptable, and it is whole as far as can be seen without decoding."""
    if _DEPTH_FORMAT in format_name.lower():
        raise FrameError(
            DropReason.UNKNOWN_ENCODING,
            f"format {format_name!r}: compressedDepth holds distances, not colours; subscribe to the colour camera",
        )
    if data[:2] == jpeg_header.SIGNATURE:
        jpeg = jpeg_header.read_jpeg_header(data)
        _check_size(jpeg.width, jpeg.height)
        if has_gap(jpeg, data):
            raise FrameError(DropReason.CORRUPT_IMAGE, "JPEG lacks data: restart markers are missing or out of order")
        return jpeg
    if data[:8] == png_header.SIGNATURE:
        png = png_header.read_png_header(data)
        _check_size(png.width, png.height)
        png_header.check_png_chunks(data)
        return png
    if not len(data):
        raise FrameError(DropReason.CORRUPT_IMAGE, "the message holds no data")
    raise FrameError(
        DropReason.UNKNOWN_ENCODING,
        f"format {format_name!r}: the data is neither JPEG nor PNG, it starts with {bytes(data[:8])!r}",
    )


def _check_size(width: int, height: int) -> None:
    if not (0 < width <= MAX_SIDE_PX and 0 < height <= MAX_SIDE_PX and width * height <= MAX_IMAGE_PX):
        raise FrameError(
            DropReason.BAD_SIZE,
            f"image declares {width} x {height}, expected sides from 1 to {MAX_SIDE_PX} px and at most "
            f"{MAX_IMAGE_PX} pixels",
        )
