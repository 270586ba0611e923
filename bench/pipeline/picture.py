"""The picture that every bench of the GPU path is given: one instant of the synthetic drive, 1920 x 1080 BGR."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from trt_perception.demo.drive import Drive
from trt_perception.demo.drive_options import DriveOptions
from trt_perception.encoding import Encoding
from trt_perception.frame import Frame

WIDTH, HEIGHT = 1920, 1080


@cache
def picture() -> NDArray[np.uint8]:
    """uint8 (HEIGHT, WIDTH, 3), always the same: noise neither compresses nor holds objects."""
    drive = Drive(options=DriveOptions(seed=20000, width=WIDTH, height=HEIGHT, cameras=1))
    sample = drive.sample(len(drive) // 2)
    return np.ascontiguousarray(next(iter(sample.images.values())))


def picture_frame() -> Frame:
    """The same as a frame."""
    return Frame(
        camera="front",
        stamp_ns=0,
        frame_id="front_optical",
        encoding=Encoding.BGR8,
        width=WIDTH,
        height=HEIGHT,
        step=3 * WIDTH,
        data=picture().reshape(-1),
    )
