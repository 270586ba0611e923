"""Pixel encodings of raw images, named as in sensor_msgs/image_encodings."""

from __future__ import annotations

from enum import Enum


class Encoding(str, Enum):
    """An encoding that the package converts itself. Others go through cv_bridge where it is installed."""

    BGR8 = "bgr8"
    RGB8 = "rgb8"
    BGRA8 = "bgra8"
    RGBA8 = "rgba8"
    MONO8 = "mono8"
    MONO16 = "mono16"
    UYVY = "uyvy"
    YUYV = "yuyv"
    NV12 = "nv12"
    NV21 = "nv21"
    BAYER_RGGB8 = "bayer_rggb8"
    BAYER_BGGR8 = "bayer_bggr8"
    BAYER_GBRG8 = "bayer_gbrg8"
    BAYER_GRBG8 = "bayer_grbg8"

    @property
    def bytes_per_pixel(self) -> int:
        """Bytes of one pixel in a row of the first plane."""
        return _BYTES_PER_PIXEL.get(self, 1)

    @property
    def is_semi_planar(self) -> bool:
        """Whether a second plane of interleaved, halved chroma follows the first (nv12, nv21)."""
        return self in (Encoding.NV12, Encoding.NV21)

    @property
    def is_bayer(self) -> bool:
        """Whether each pixel holds one colour, in a pattern of two rows and two columns."""
        return self.value.startswith("bayer_")

    def row_bytes(self, width: int) -> int:
        """Bytes that a row of `width` pixels needs; a row of halved chroma holds whole pairs."""
        return width * self.bytes_per_pixel + (width % 2 if self.is_semi_planar else 0)

    def row_count(self, height: int) -> int:
        """Rows of `step` bytes that an image of `height` pixels has, chroma plane included."""
        return height + (height + 1) // 2 if self.is_semi_planar else height


_BYTES_PER_PIXEL = {
    Encoding.BGR8: 3,
    Encoding.RGB8: 3,
    Encoding.BGRA8: 4,
    Encoding.RGBA8: 4,
    Encoding.MONO16: 2,
    Encoding.UYVY: 2,
    Encoding.YUYV: 2,
}

# Names that drivers send for the same bytes: the older ROS names of the packed YUV formats, and the
# "channels without meaning" names, whose colour order OpenCV users take to be BGR.
ALIASES = {
    "yuv422": Encoding.UYVY,
    "yuv422_yuy2": Encoding.YUYV,
    "8UC1": Encoding.MONO8,
    "8UC3": Encoding.BGR8,
    "8UC4": Encoding.BGRA8,
    "16UC1": Encoding.MONO16,
}


def parse_encoding(name: str) -> Encoding | None:
    """The encoding of that name or alias; None where the package does not convert it itself."""
    try:
        return Encoding(name)
    except ValueError:
        return ALIASES.get(name)
