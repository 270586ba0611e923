"""From a raw frame to the input tensor, on the CPU: the reference for the CUDA kernels and for calibration."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from trt_perception.frame import Frame
from trt_perception.model.model_spec import InputSpec
from trt_perception.model.preprocess_options import ChannelOrder, Interpolation, Layout
from trt_perception.preprocess.check_image_input import check_image_input
from trt_perception.preprocess.image_transform import ImageTransform
from trt_perception.preprocess.pixel_table import pixel_table
from trt_perception.preprocess.pixel_view import BGR, GREY, PixelView, pixel_view

_INTERPOLATION = {Interpolation.BILINEAR: cv2.INTER_LINEAR, Interpolation.AREA: cv2.INTER_AREA}
# Planes of blue, green, red in the tensor's order.
_ORDER = {ChannelOrder.BGR: (0, 1, 2), ChannelOrder.RGB: (2, 1, 0)}


class ImagePreprocessor:
    """Crop, resize, pad, channel order, ``(x * scale - mean) / std``, layout and dtype, in this order.

    Resizing works on the 8-bit pixels, as in training, and rounds to 8 bits; everything after it is exact to the
    tensor's type. Holds no state of a frame: several threads may call it at once.

    Args:
        spec: The input that the tensors are for.

    Raises:
        ConfigError: The input is no image of one frame: batch, channels or dtype do not fit.
    """

    def __init__(self, spec: InputSpec) -> None:
        check_image_input(spec)
        self._spec = spec
        self._interpolation = _INTERPOLATION[spec.preprocess.interpolation]
        self._nchw = spec.preprocess.layout is Layout.NCHW
        self._dtype = np.dtype(spec.dtype.value)
        table = pixel_table(spec)
        self._padding = table[spec.preprocess.pad_value]
        # OpenCV has no table of float16: it moves the bits as integers of that size.
        self._carrier = np.dtype(np.int16) if self._dtype == np.float16 else self._dtype
        # Copying is faster than a table that changes nothing, but for float16, which NumPy converts slowly.
        self._unchanged = self._dtype != np.float16 and bool((table == np.arange(256)[:, None]).all())
        self._tables = [np.ascontiguousarray(table[:, c]).view(self._carrier) for c in range(spec.channels)]

    def __call__(self, frame: Frame) -> tuple[NDArray[Any], ImageTransform]:
        """The tensor of one frame, in the spec's shape and dtype, and where the image lies in it.

        Raises:
            FrameError: The frame is too small for the crop or for its encoding.
        """
        transform = ImageTransform.of(frame.width, frame.height, self._spec)
        planes = self._planes(pixel_view(frame), transform)
        tensor = np.empty(self._spec.shape, self._dtype)
        self._fill(tensor, planes, transform.network_region)
        return tensor, transform

    def _planes(self, view: PixelView, transform: ImageTransform) -> list[NDArray[np.uint8]]:
        """The cropped and resized image as one uint8 (h, w) plane a channel, in the tensor's order."""
        x, y, width, height = transform.crop
        x0, y0, x1, y1 = transform.network_region
        pixels: Any = view.pixels[y : y + height, x : x + width]
        if (x1 - x0, y1 - y0) != (width, height):
            pixels = cv2.resize(pixels, (x1 - x0, y1 - y0), interpolation=self._interpolation)
        order = self._spec.preprocess.channel_order
        if view.bgr == GREY:
            return [pixels] * self._spec.channels
        if order is ChannelOrder.MONO:
            return [cv2.cvtColor(pixels, _to_grey(view))]
        planes = cv2.split(pixels)
        return [planes[view.bgr[channel]] for channel in _ORDER[order]]

    def _fill(self, tensor: NDArray[Any], planes: list[NDArray[np.uint8]], region: tuple[int, int, int, int]) -> None:
        x0, y0, x1, y1 = region
        for channel, plane in enumerate(planes):
            target = tensor[0, channel] if self._nchw else tensor[0, :, :, channel]
            padding = self._padding[channel]
            target[:y0] = padding
            target[y1:] = padding
            target[y0:y1, :x0] = padding
            target[y0:y1, x1:] = padding
            inside = target[y0:y1, x0:x1]
            if self._unchanged:
                np.copyto(inside, plane)
            elif self._nchw:
                cv2.LUT(plane, self._tables[channel], dst=inside.view(self._carrier))
            else:
                np.copyto(inside.view(self._carrier), cv2.LUT(plane, self._tables[channel]))


def _to_grey(view: PixelView) -> int:
    if view.pixels.shape[2] == 3:
        return cv2.COLOR_BGR2GRAY if view.bgr == BGR else cv2.COLOR_RGB2GRAY
    return cv2.COLOR_BGRA2GRAY if view.bgr == BGR else cv2.COLOR_RGBA2GRAY
