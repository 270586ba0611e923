"""The canvas that one camera is drawn on: twice as fine as the picture, without distortion."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from trt_perception.demo.camera_model import CameraModel

Array = NDArray[np.float64]

SCALE = 2
"""Canvas pixels per picture pixel, each way."""
SHIFT = 4
"""Bits of a fraction of a canvas pixel in polygon corners."""
NEAR_M = 0.25
"""What is nearer to the image plane is cut off."""
_LARGEST = 2.0**20  # fixed-point corners of huge capsules stay within what OpenCV can step through quickly


@dataclass(frozen=True, kw_only=True, eq=False)
class View:
    """A camera without distortion and how to draw for it.

    Args:
        camera: The pinhole camera drawn for. Its picture may be larger than that of the real camera.
    """

    camera: CameraModel

    @property
    def canvas_size(self) -> tuple[int, int]:
        """Width and height of the canvas."""
        return self.camera.width * SCALE, self.camera.height * SCALE

    @property
    def focal_px(self) -> float:
        """Focal length on the canvas."""
        return float(self.camera.intrinsics[0, 0]) * SCALE

    @property
    def heading(self) -> float:
        """Direction of the optical axis in the body frame in radians."""
        forward = self.camera.rotation[:, 2]
        return float(np.arctan2(forward[1], forward[0]))

    def to_canvas(self, optical: Array) -> Array:
        """Optical-frame points (..., 3) with z > 0 as canvas positions (..., 2); pixel centres are whole numbers."""
        k = self.camera.intrinsics
        u = k[0, 0] * optical[..., 0] / optical[..., 2] + k[0, 2]
        v = k[1, 1] * optical[..., 1] / optical[..., 2] + k[1, 2]
        # A picture pixel covers SCALE canvas pixels: the centres of both grids differ by half the difference.
        middle = (SCALE - 1) / 2.0
        canvas: Array = np.stack([u * SCALE + middle, v * SCALE + middle], axis=-1)
        return canvas

    def to_picture(self, canvas: Array) -> Array:
        """Canvas positions (..., 2) as picture positions (..., 2)."""
        picture: Array = (canvas - (SCALE - 1) / 2.0) / SCALE
        return picture


def fixed_point(canvas: Array) -> NDArray[np.int32]:
    """Canvas positions as OpenCV's fixed-point polygon corners."""
    return np.clip(np.rint(canvas * (1 << SHIFT)), -_LARGEST, _LARGEST).astype(np.int32)


def pinhole(camera: CameraModel, *, margin: tuple[int, int, int, int] = (0, 0, 0, 0)) -> CameraModel:
    """The camera without distortion and with `margin` (left, top, right, bottom) more px."""
    left, top, right, bottom = margin
    intrinsics = camera.intrinsics.copy()
    intrinsics[0, 2] += left
    intrinsics[1, 2] += top
    return replace(
        camera,
        width=camera.width + left + right,
        height=camera.height + top + bottom,
        intrinsics=intrinsics,
        distortion=np.zeros(5),
    )
