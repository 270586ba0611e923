"""One kind of image and tensor, and the bytes that cannot be avoided between them."""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from trt_perception.encoding import Encoding
from trt_perception.frame import Frame
from trt_perception.model.model_spec import InputSpec, TensorType
from trt_perception.model.preprocess_options import Interpolation, Layout, PreprocessOptions
from trt_perception.preprocess.image_transform import ImageTransform
from trt_perception.preprocess.preprocess_kernel import PIXELS_PER_THREAD


@dataclass(frozen=True, kw_only=True)
class Case:
    """What is measured.

    Args:
        name: For the table.
        encoding: Of the image.
        image: Width and height, px.
        network: Width and height, px.
        dtype: Of the tensor.
        options: How the image becomes the tensor.
        pixels_per_thread: Of the kernel.
    """

    name: str
    encoding: Encoding = Encoding.BGR8
    image: tuple[int, int] = (1920, 1080)
    network: tuple[int, int] = (640, 640)
    dtype: TensorType = TensorType.FLOAT32
    options: PreprocessOptions = field(default_factory=PreprocessOptions)
    pixels_per_thread: int = PIXELS_PER_THREAD

    @property
    def spec(self) -> InputSpec:
        """Of the tensor."""
        width, height = self.network
        nchw = self.options.layout is Layout.NCHW
        shape = (1, 3, height, width) if nchw else (1, height, width, 3)
        return InputSpec(name="images", shape=shape, dtype=self.dtype, preprocess=self.options)

    def frame(self, seed: int) -> Frame:
        """Smooth colours with noise on top, so that values beside each other are alike, as in photographs."""
        width, height = self.image
        rows, row_bytes = self.encoding.row_count(height), self.encoding.row_bytes(width)
        random = np.random.default_rng(seed)
        coarse = random.integers(20, 236, (rows // 90 + 2, row_bytes // 270 + 2), dtype=np.uint8)
        smooth: NDArray[np.uint8] = np.asarray(cv2.resize(coarse, (row_bytes, rows)), np.uint8)
        data = smooth + random.integers(0, 12, smooth.shape, dtype=np.uint8)
        return Frame(camera="bench", stamp_ns=1, frame_id="bench", encoding=self.encoding, width=width, height=height,
                     step=row_bytes, data=data.reshape(-1))  # fmt: skip

    @property
    def written_bytes(self) -> int:
        """The tensor."""
        return int(np.prod(self.spec.shape)) * np.dtype(self.dtype.value).itemsize

    @property
    def read_bytes(self) -> int:
        """The image's rows that count, whole: rows beside them share no memory transaction, bytes of a row do."""
        transform = ImageTransform.of(*self.image, self.spec)
        rows = self._rows(transform)
        if self.encoding.is_bayer:
            rows = np.unique(np.clip(np.concatenate((rows - 1, rows, rows + 1)), 0, self.image[1] - 1))
        chroma = len(np.unique(rows // 2)) if self.encoding.is_semi_planar else 0
        return (len(rows) + chroma) * self.encoding.row_bytes(transform.crop[2])

    def _rows(self, transform: ImageTransform) -> NDArray[np.int64]:
        _, y, _, height = transform.crop
        _, y0, _, y1 = transform.network_region
        scale = height / (y1 - y0)
        if self.options.interpolation is Interpolation.AREA or scale == 1.0:
            return np.arange(y, y + height)
        position = np.clip((np.arange(y1 - y0) + 0.5) * scale - 0.5, 0, height - 1)
        first = np.floor(position).astype(np.int64)
        second = first[np.rint((position - first) * 2048) > 0] + 1
        return y + np.unique(np.concatenate((first, second)))


CASES = (
    Case(name="floor: 8 x 8", encoding=Encoding.MONO8, image=(8, 8), network=(8, 8)),
    Case(name="1080p to 640 x 640"),
    *(Case(name=f"the same, {count} pixels a thread", pixels_per_thread=count) for count in (1, 4)),
    Case(name="1080p to 640 x 640, float16", dtype=TensorType.FLOAT16),
    Case(name="1080p to 640 x 640, int8", dtype=TensorType.INT8),
    Case(name="1080p to 640 x 640, nhwc", options=PreprocessOptions(layout=Layout.NHWC)),
    Case(name="1080p to 640 x 640, area", options=PreprocessOptions(interpolation=Interpolation.AREA)),
    Case(name="1080p to 416 x 416", network=(416, 416)),
    Case(name="1080p to 960 x 544", network=(960, 544)),
    Case(name="1080p to 1280 x 736", network=(1280, 736)),
    Case(name="4k to 960 x 544", image=(3840, 2160), network=(960, 544)),
    *(Case(name=f"1080p {encoding.value} to 960 x 544", encoding=encoding, network=(960, 544))
      for encoding in (Encoding.BGRA8, Encoding.MONO8, Encoding.UYVY, Encoding.NV12, Encoding.BAYER_RGGB8)),
)  # fmt: skip
