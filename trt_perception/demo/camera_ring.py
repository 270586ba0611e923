"""The ring of cameras around the car."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from trt_perception.demo.camera_model import CameraModel, rotation_from_angles
from trt_perception.demo.drive_options import DriveOptions
from trt_perception.demo.seeding import generator

_RING = 11
_THERMAL = 12

# name, x forward m, y left m, yaw degrees, horizontal field of view degrees
_MOUNTS: tuple[tuple[str, float, float, float, float], ...] = (
    ("front", 1.70, 0.0, 0.0, 70.0),
    ("front_left", 1.55, 0.50, 55.0, 72.0),
    ("front_right", 1.55, -0.50, -55.0, 72.0),
    ("back", -0.80, 0.0, 180.0, 82.0),
    ("back_left", 0.95, 0.55, 112.0, 72.0),
    ("back_right", 0.95, -0.55, -112.0, 72.0),
    ("left", 1.20, 0.55, 84.0, 80.0),
    ("right", 1.20, -0.55, -84.0, 80.0),
)

MAX_CAMERAS = len(_MOUNTS)


def camera_ring(options: DriveOptions) -> dict[str, CameraModel]:
    """The first `options.cameras` cameras of the ring; height, focal length and aim differ from seed to seed."""
    rng = generator(options.seed, _RING)
    height_m = rng.uniform(1.40, 1.80)
    zoom = rng.uniform(0.93, 1.07)
    jitter = rng.uniform(-1.0, 1.0, (MAX_CAMERAS, 3))
    ring = {}
    for (name, x, y, yaw, field), (turn, tilt, roll) in zip(_MOUNTS[: options.cameras], jitter, strict=False):
        focal_px = zoom * 0.5 * options.width / math.tan(math.radians(field) / 2.0)
        ring[name] = CameraModel(
            name=name,
            width=options.width,
            height=options.height,
            intrinsics=_intrinsics(focal_px, options),
            rotation=rotation_from_angles(
                yaw_rad=math.radians(yaw + 1.5 * turn),
                pitch_rad=math.radians(2.0 + 1.2 * tilt),
                roll_rad=math.radians(0.5 * roll),
            ),
            translation=np.array([x, y, height_m]),
            distortion=np.array(options.distortion, dtype=np.float64),
        )
    return ring


def thermal_ring(options: DriveOptions, ring: dict[str, CameraModel]) -> dict[str, CameraModel]:
    """The thermal camera beside each camera: same size and lens, 8 cm to its right, turned by at most half a degree.

    The turn is at most 0.35 degrees about each of the car's vertical and lateral axes, so the thermal picture of a far
    point lies up to about 6 px off at 960 px width, and that of a near point a little more.
    """
    turns = np.radians(generator(options.seed, _THERMAL).uniform(-0.35, 0.35, (MAX_CAMERAS, 2)))
    thermal = {}
    for camera, (yaw, pitch) in zip(ring.values(), turns, strict=False):
        small = rotation_from_angles(yaw_rad=float(yaw), pitch_rad=float(pitch)) @ rotation_from_angles(yaw_rad=0.0).T
        thermal[camera.name] = CameraModel(
            name=f"{camera.name}_thermal",
            width=camera.width,
            height=camera.height,
            intrinsics=camera.intrinsics,
            rotation=small @ camera.rotation,
            translation=camera.translation + camera.rotation @ np.array([0.08, 0.0, 0.0]),
            distortion=camera.distortion,
        )
    return thermal


def _intrinsics(focal_px: float, options: DriveOptions) -> NDArray[np.float64]:
    return np.array(
        [
            [focal_px, 0.0, (options.width - 1) / 2.0],
            [0.0, focal_px, (options.height - 1) / 2.0],
            [0.0, 0.0, 1.0],
        ]
    )
