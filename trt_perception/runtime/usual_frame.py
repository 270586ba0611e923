"""The image that a pipeline prepares for before it has seen one."""

from __future__ import annotations

import numpy as np

from trt_perception.encoding import Encoding
from trt_perception.frame import Frame
from trt_perception.model.model_spec import InputSpec
from trt_perception.preprocess.frame_layout import FrameLayout

WIDTH, HEIGHT = 1920, 1080
LARGEST_PIXEL_BYTES = 4


def usual_layout(source: InputSpec, encoding: Encoding = Encoding.BGR8) -> FrameLayout:
    """Full HD, or more where the input's crop needs more."""
    x, y, width, height = source.preprocess.crop or (0, 0, 0, 0)
    width, height = max(WIDTH, x + width), max(HEIGHT, y + height)
    return FrameLayout(encoding=encoding, width=width, height=height, step=encoding.row_bytes(width))


def usual_frame_bytes() -> int:
    """What any raw encoding takes in Full HD."""
    return WIDTH * HEIGHT * LARGEST_PIXEL_BYTES


def grey_frame(layout: FrameLayout) -> Frame:
    """A frame of that layout with nothing on it."""
    return Frame(
        camera="warm_up",
        stamp_ns=0,
        frame_id="",
        encoding=layout.encoding,
        width=layout.width,
        height=layout.height,
        step=layout.step,
        data=np.full(layout.nbytes, 128, np.uint8),
    )
