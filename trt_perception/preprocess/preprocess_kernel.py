"""From the bytes of a frame to the input tensor, in one kernel: what ImagePreprocessor does, on the GPU."""

from __future__ import annotations

import sys

import numpy as np
from numpy.typing import NDArray

from trt_perception.encoding import Encoding
from trt_perception.kernel_call import Argument, KernelCall, KernelSource
from trt_perception.model.model_spec import InputSpec
from trt_perception.model.preprocess_options import Interpolation
from trt_perception.preprocess.check_image_input import check_image_input
from trt_perception.preprocess.check_image_size import check_image_size
from trt_perception.preprocess.frame_layout import FrameLayout
from trt_perception.preprocess.image_transform import ImageTransform
from trt_perception.preprocess.pixel_table import pixel_table

FILE = "preprocess/preprocess.cu"
WARP = 32
ROWS_PER_BLOCK = 8
PIXELS_PER_THREAD = 2


class PreprocessKernel:
    """The kernel calls that make one input's tensor of a frame.

    The tensor is that of ImagePreprocessor: pixels are converted, resized and rounded to 8 bits as OpenCV does it, and
    a table does the rest.

    Args:
        spec: The input that the tensors are for.
        pixels_per_thread: How many pixels of a row each thread makes; changes the speed, nothing else.

    Raises:
        ConfigError: The input is no image of one frame: batch, channels or dtype do not fit.
    """

    def __init__(self, spec: InputSpec, *, pixels_per_thread: int = PIXELS_PER_THREAD) -> None:
        check_image_input(spec)
        self._spec = spec
        self._pixels_per_thread = pixels_per_thread

    def constants(self) -> NDArray[np.uint8]:
        """What the kernel reads beside pixels, uploaded once: uint8 (n,).

        The pixel table, one channel of 256 values after the other, in the tensor's type.
        """
        return np.ascontiguousarray(pixel_table(self._spec).T).view(np.uint8).reshape(-1)

    def calls(self, layout: FrameLayout, *, pixels: int, constants: int, tensor: int) -> tuple[KernelCall, ...]:
        """The work for frames of one layout.

        Args:
            layout: Of the frames.
            pixels: Device address of `layout.nbytes` bytes; nothing else is read.
            constants: Device address of `constants()`, aligned to 4 bytes.
            tensor: Device address of the tensor, aligned to its elements; all of it is written.

        Raises:
            FrameError: The image is too small for the crop or for its encoding.
        """
        spec = self._spec
        transform = ImageTransform.of(layout.width, layout.height, spec)
        check_image_size(layout.encoding, layout.width, layout.height)
        source = KernelSource(file=FILE, function="preprocess", defines=self._defines(layout, transform, pixels))
        columns = WARP * self._pixels_per_thread
        x0, y0, x1, y1 = transform.network_region
        scales = _scales(transform)
        sizes = (layout.width, layout.height, *transform.crop, x0, y0, x1, y1, spec.width, spec.height)
        arguments: tuple[Argument, ...] = (
            *(np.uint64(address) for address in (pixels, constants, tensor)),
            np.int64(layout.step),
            *(np.int32(size) for size in sizes),
            np.int32(spec.preprocess.pad_value),
            *(np.float64(1.0 / scale) for scale in scales),
            *(np.float64(scale) for scale in scales),
        )
        grid = (-(-spec.width // columns), -(-spec.height // ROWS_PER_BLOCK), 1)
        return (KernelCall(source=source, grid=grid, block=(WARP, ROWS_PER_BLOCK, 1), arguments=arguments),)

    def _defines(self, layout: FrameLayout, transform: ImageTransform, pixels: int) -> tuple[tuple[str, str], ...]:
        options = self._spec.preprocess
        return (
            ("ENCODING", layout.encoding.value),
            ("RESIZE", _resize(transform, options.interpolation)),
            ("ORDER", options.channel_order.value),
            ("LAYOUT", options.layout.value),
            ("ELEMENT_BYTES", str(np.dtype(self._spec.dtype.value).itemsize)),
            ("READS_WORDS", str(int(_reads_words(layout, pixels)))),
            ("PIXELS_PER_THREAD", str(self._pixels_per_thread)),
        )


def _scales(transform: ImageTransform) -> tuple[float, float]:
    """Network pixels an image pixel, horizontally and vertically, rounded where OpenCV rounds them."""
    x0, y0, x1, y1 = transform.network_region
    return (x1 - x0) / transform.crop[2], (y1 - y0) / transform.crop[3]


def _resize(transform: ImageTransform, interpolation: Interpolation) -> str:
    """Which of the kernel's ways of resizing cv2.resize takes for these sizes."""
    steps = [1.0 / scale for scale in _scales(transform)]
    if steps == [1.0, 1.0]:
        return "none"
    are_whole = all(abs(step - round(step)) < sys.float_info.epsilon for step in steps)
    if are_whole and [round(step) for step in steps] == [2, 2]:
        return "halve"
    if interpolation is Interpolation.BILINEAR:
        return "bilinear"
    if min(steps) < 1.0:
        return "area_enlarge"
    return "area_whole" if are_whole else "area"


def _reads_words(layout: FrameLayout, pixels: int) -> bool:
    """Whether the kernel may read several bytes at once: what it reads lies where the GPU allows that."""
    encoding = layout.encoding
    if encoding.is_bayer:
        return pixels % 4 == 0
    if encoding.is_semi_planar:
        return pixels % 2 == 0 and layout.step % 2 == 0
    if encoding.bytes_per_pixel == 3:
        return pixels % 4 == 0 and layout.width > 1
    return encoding in _WORDS and pixels % 4 == 0 and layout.step % 4 == 0


_WORDS = (Encoding.BGRA8, Encoding.RGBA8, Encoding.UYVY, Encoding.YUYV)
