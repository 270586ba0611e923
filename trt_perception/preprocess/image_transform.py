"""Where a received image lies in the network's input, and the way back for boxes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trt_perception.errors import DropReason, FrameError
from trt_perception.model.model_spec import InputSpec
from trt_perception.model.preprocess_options import Resize


@dataclass(frozen=True, kw_only=True)
class ImageTransform:
    """Crop and resize of one image size into one network input.

    Positions are continuous: pixel i covers i to i + 1, so that a box over a whole image of width w is 0 to w.

    Args:
        image_width: Of the image as received, px.
        image_height: Of the image as received, px.
        crop: Part of the image that the network sees: x, y, width, height.
        network_region: Where that part lies in the network's input: x0, y0, x1, y1, px; the rest is padding.
    """

    image_width: int
    image_height: int
    crop: tuple[int, int, int, int]
    network_region: tuple[int, int, int, int]

    @property
    def scale(self) -> tuple[float, float]:
        """Image pixels a network pixel, horizontally and vertically."""
        x0, y0, x1, y1 = self.network_region
        return self.crop[2] / (x1 - x0), self.crop[3] / (y1 - y0)

    @staticmethod
    def of(width: int, height: int, spec: InputSpec) -> ImageTransform:
        """The transform of images of that size into that input.

        Letterboxing keeps the aspect ratio: the side that limits becomes exactly the network's; the other is rounded
        to the nearest pixel (half to even) when centred, as Ultralytics does, and down when at the top left, as
        YOLOX does. An odd rest of padding goes below and to the right.

        Raises:
            FrameError: bad_size: the crop does not lie in the image.
        """
        crop = spec.preprocess.crop or (0, 0, width, height)
        if crop[0] + crop[2] > width or crop[1] + crop[3] > height:
            raise FrameError(
                DropReason.BAD_SIZE,
                f"image is {width} x {height}, the crop {list(crop)} (x, y, width, height) of input "
                f"{spec.name!r} does not lie in it",
            )
        region = _region(crop[2], crop[3], spec)
        return ImageTransform(image_width=width, image_height=height, crop=crop, network_region=region)

    def to_image(self, boxes: NDArray[np.floating]) -> NDArray[np.float32]:
        """Boxes in pixels of the image as received, clamped to it.

        Args:
            boxes: (n, 4), x1 y1 x2 y2 in network pixels.

        Returns:
            float32 (n, 4).
        """
        offset = np.array(self.network_region[:2] * 2, np.float64)
        origin = np.array(self.crop[:2] * 2, np.float64)
        scale = np.array(self.scale * 2, np.float64)
        limit = np.array((self.image_width, self.image_height) * 2, np.float64)
        return np.clip((boxes - offset) * scale + origin, 0.0, limit).astype(np.float32)


def _region(width: int, height: int, spec: InputSpec) -> tuple[int, int, int, int]:
    resize = spec.preprocess.resize
    if resize is Resize.STRETCH:
        return (0, 0, spec.width, spec.height)
    # In whole numbers, so that the limiting side fits exactly: 1600 * (416 / 1600) may be a hair under 416 in floats.
    if width * spec.height >= height * spec.width:
        fitted = (spec.width, _rounded(height * spec.width, width, resize))
    else:
        fitted = (_rounded(width * spec.height, height, resize), spec.height)
    left = top = 0
    if resize is Resize.LETTERBOX:
        left, top = (spec.width - fitted[0]) // 2, (spec.height - fitted[1]) // 2
    return (left, top, left + fitted[0], top + fitted[1])


def _rounded(numerator: int, denominator: int, resize: Resize) -> int:
    size = round(numerator / denominator) if resize is Resize.LETTERBOX else numerator // denominator
    return max(1, size)
