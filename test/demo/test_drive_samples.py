"""A drive drawn by several processes is the drive drawn by one."""

from __future__ import annotations

import numpy as np

from trt_perception.demo.drive import Drive
from trt_perception.demo.drive_options import DriveOptions
from trt_perception.demo.drive_samples import drive_samples


def test_workers_draw_the_same_samples_in_order() -> None:
    drive = Drive(options=DriveOptions(seed=3, cameras=1, duration_s=1.5, rate_hz=4.0, width=320, height=192))
    alone = list(drive_samples(drive, thermal=True))
    together = list(drive_samples(drive, thermal=True, workers=2))
    assert [sample.index for sample in together] == list(range(6))
    for one, other in zip(alone, together, strict=True):
        assert one.stamp_ns == other.stamp_ns
        assert np.array_equal(one.images["front"], other.images["front"])
        assert np.array_equal(one.thermal["front"], other.thermal["front"])
        assert np.array_equal(one.truth["front"].boxes, other.truth["front"].boxes)
