"""A pinhole camera with plumb_bob distortion, mounted on the car."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

OPTICAL_FROM_BODY: Array = np.array([[0.0, -1.0, 0.0], [0.0, 0.0, -1.0], [1.0, 0.0, 0.0]])
"""REP-103: body x forward, y left, z up; optical x right, y down, z forward."""


@dataclass(frozen=True, kw_only=True, eq=False)
class CameraModel:
    """Where a camera sits and how it sees.

    Pixel centres have integer coordinates, as in OpenCV and sensor_msgs/CameraInfo.

    Args:
        name: Camera name, e.g. ``front``.
        width: Image width in px.
        height: Image height in px.
        intrinsics: float64 (3, 3), K with fx, fy, cx, cy in px.
        rotation: float64 (3, 3), turns optical-frame vectors into the car's body frame.
        translation: float64 (3,), the camera's position in the body frame in m (origin on the ground under the
            rear axle).
        distortion: float64 (5,), plumb_bob k1 k2 p1 p2 k3.
    """

    name: str
    width: int
    height: int
    intrinsics: Array
    rotation: Array
    translation: Array
    distortion: Array

    @property
    def frame_id(self) -> str:
        """The TF frame of the images, e.g. ``front_optical``."""
        return f"{self.name}_optical"

    @property
    def extrinsics(self) -> Array:
        """float64 (4, 4): optical frame to body frame."""
        matrix = np.eye(4)
        matrix[:3, :3] = self.rotation
        matrix[:3, 3] = self.translation
        return matrix

    @property
    def is_distorted(self) -> bool:
        """Whether any distortion coefficient differs from zero."""
        return bool(np.any(self.distortion != 0.0))

    def to_optical(self, points: Array) -> Array:
        """Body-frame points (n, 3) in m as optical-frame points (n, 3)."""
        optical: Array = (points - self.translation) @ self.rotation
        return optical

    def project(self, points: Array) -> tuple[Array, Array]:
        """Body-frame points (n, 3) as pixels (n, 2) and depths (n,) in m.

        Points with a depth of zero or less lie behind the camera; their pixels mean nothing.
        """
        optical = self.to_optical(np.asarray(points, dtype=np.float64).reshape(-1, 3))
        depth = optical[:, 2]
        safe = np.where(depth > 1e-9, depth, 1e-9)
        normalized = self.distort(optical[:, :2] / safe[:, None])
        focal = self.intrinsics[[0, 1], [0, 1]]
        centre = self.intrinsics[:2, 2]
        return normalized * focal + centre, depth

    def distort(self, normalized: Array) -> Array:
        """Ideal normalized coordinates (n, 2) as distorted ones (n, 2), the plumb_bob model of CameraInfo."""
        if not self.is_distorted:
            return normalized
        k1, k2, p1, p2, k3 = (float(value) for value in self.distortion)
        x, y = normalized[:, 0], normalized[:, 1]
        r2 = x * x + y * y
        radial = 1.0 + r2 * (k1 + r2 * (k2 + r2 * k3))
        return np.stack(
            [
                x * radial + 2.0 * p1 * x * y + p2 * (r2 + 2.0 * x * x),
                y * radial + p1 * (r2 + 2.0 * y * y) + 2.0 * p2 * x * y,
            ],
            axis=1,
        )


def rotation_from_angles(*, yaw_rad: float, pitch_rad: float = 0.0, roll_rad: float = 0.0) -> Array:
    """The rotation (3, 3) of a camera that looks along `yaw_rad` (left positive), tilted down by `pitch_rad`."""
    cy, sy = np.cos(yaw_rad), np.sin(yaw_rad)
    cp, sp = np.cos(pitch_rad), np.sin(pitch_rad)
    cr, sr = np.cos(roll_rad), np.sin(roll_rad)
    about_z = np.array([[cy, -sy, 0.0], [sy, cy, 0.0], [0.0, 0.0, 1.0]])
    about_y = np.array([[cp, 0.0, sp], [0.0, 1.0, 0.0], [-sp, 0.0, cp]])
    about_x = np.array([[1.0, 0.0, 0.0], [0.0, cr, -sr], [0.0, sr, cr]])
    rotation: Array = about_z @ about_y @ about_x @ OPTICAL_FROM_BODY.T
    return rotation
