"""From the canvas of a camera to its picture: identity for a pinhole, a remap for a lens with distortion."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from trt_perception.demo.camera_model import CameraModel
from trt_perception.demo.render.camera_maps import CameraMaps
from trt_perception.demo.render.slots import SKY
from trt_perception.demo.render.view import View, pinhole
from trt_perception.errors import ConfigError

Array = NDArray[np.float64]
Bytes = NDArray[np.uint8]

_LARGEST = 2.0  # times the picture, each way


class Lens:
    """One camera's view, its maps, and the way from the drawn picture to the delivered one."""

    def __init__(self, camera: CameraModel) -> None:
        self.camera = camera
        self._bend: tuple[NDArray[np.float32], NDArray[np.float32]] | None = None
        self._margin = (0, 0, 0, 0)
        if camera.is_distorted:
            ideal = _ideal_pixels(camera)
            self._margin = _margin(ideal, camera)
            left, top = self._margin[:2]
            self._bend = ((ideal[..., 0] + left).astype(np.float32), (ideal[..., 1] + top).astype(np.float32))
        self.view = View(camera=pinhole(camera, margin=self._margin))
        self.maps = CameraMaps(self.view)

    def bent(self, picture: Bytes) -> Bytes:
        """The drawn picture as the lens shows it."""
        if self._bend is None:
            return picture
        return cv2.remap(picture, *self._bend, cv2.INTER_LINEAR).astype(np.uint8, copy=False)

    def bent_slots(self, slots: Bytes) -> Bytes:
        """The drawn slots as the lens shows them."""
        if self._bend is None:
            return slots
        return cv2.remap(slots, *self._bend, cv2.INTER_NEAREST, borderValue=SKY).astype(np.uint8, copy=False)

    def picture_extents(self, extents: Array) -> Array:
        """Canvas extents (n, 4) as extents in picture px, edges: half a px beyond the centres of the outermost pixels.

        With distortion, the extent is that of the bent outline of the straight one.
        """
        finite = np.isfinite(extents).all(axis=1)
        result = np.full_like(extents, np.inf)
        corners = self.view.to_picture(extents[finite].reshape(-1, 2, 2))
        if self._bend is not None:
            corners = self._bent_corners(corners)
        result[finite] = corners.reshape(-1, 4) + 0.5
        return result

    def _bent_corners(self, corners: Array) -> Array:
        left, top = self._margin[:2]
        k = self.camera.intrinsics
        share = np.linspace(0.0, 1.0, 9)
        low, high = corners[:, 0] - [left, top], corners[:, 1] - [left, top]
        x = low[:, :1] + (high - low)[:, :1] * share
        y = low[:, 1:] + (high - low)[:, 1:] * share
        outline = np.concatenate(
            [
                np.stack([x, np.broadcast_to(low[:, 1:], x.shape)], axis=-1),
                np.stack([x, np.broadcast_to(high[:, 1:], x.shape)], axis=-1),
                np.stack([np.broadcast_to(low[:, :1], y.shape), y], axis=-1),
                np.stack([np.broadcast_to(high[:, :1], y.shape), y], axis=-1),
            ],
            axis=1,
        )
        focal, centre = k[[0, 1], [0, 1]], k[:2, 2]
        bent = self.camera.distort(((outline - centre) / focal).reshape(-1, 2)).reshape(outline.shape) * focal + centre
        return np.stack([bent.min(axis=1), bent.max(axis=1)], axis=1)


def _ideal_pixels(camera: CameraModel) -> Array:
    """float64 (h, w, 2): where each pixel of the bent picture lies in the ideal one."""
    u, v = np.meshgrid(np.arange(camera.width, dtype=np.float64), np.arange(camera.height, dtype=np.float64))
    points = np.stack([u, v], axis=-1).reshape(-1, 1, 2)
    ideal = cv2.undistortPoints(points, camera.intrinsics, camera.distortion, P=camera.intrinsics)
    return np.asarray(ideal, dtype=np.float64).reshape(camera.height, camera.width, 2)


def _margin(ideal: Array, camera: CameraModel) -> tuple[int, int, int, int]:
    """How much larger the ideal picture must be: left, top, right, bottom in px."""
    low, high = ideal.min(axis=(0, 1)), ideal.max(axis=(0, 1))
    sides = (-low[0], -low[1], high[0] - camera.width + 1, high[1] - camera.height + 1)
    left, top, right, bottom = (
        max(0, int(np.ceil(side / 2.0)) * 2 + 2) if np.isfinite(side) else 10**6 for side in sides
    )
    if left + right > (_LARGEST - 1.0) * camera.width or top + bottom > (_LARGEST - 1.0) * camera.height:
        raise ConfigError(
            "DriveOptions.distortion",
            f"expected a lens whose straightened picture is at most {_LARGEST:g} times the picture, "
            f"got {tuple(float(value) for value in camera.distortion)}",
            "use smaller coefficients",
        )
    return left, top, right, bottom
