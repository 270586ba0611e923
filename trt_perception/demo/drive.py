"""A synthetic drive: a car with a ring of cameras on a generated road, with ground truth."""

from __future__ import annotations

import operator
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from trt_perception.demo.camera_model import CameraModel
from trt_perception.demo.camera_ring import camera_ring, thermal_ring
from trt_perception.demo.condition import Condition
from trt_perception.demo.drive_options import DriveOptions
from trt_perception.demo.drive_sample import DriveSample
from trt_perception.demo.ground_truth import GroundTruth
from trt_perception.demo.render.renderer import Renderer
from trt_perception.demo.seeding import generator
from trt_perception.demo.world.world import World, pose_matrix
from trt_perception.errors import ConfigError

_WEATHER = 71


class Drive:
    """The instants of a drive, each one asked for in any order.

    A sample is a function of the options and its index alone: asking twice, in another order, for other cameras or with
    another number of OpenCV threads gives the same bytes. A Drive is not meant for several threads at once; give each
    process its own.

    Args:
        options: What the drive is made from. Default: DriveOptions().

    Attributes:
        options: The options.
        cameras: The ring, in the order front, front_left, front_right, back, back_left, back_right, left, right.
        thermal_cameras: The thermal camera beside each of them, a little off.
        world: The road with everything on and beside it.
    """

    def __init__(self, *, options: DriveOptions | None = None) -> None:
        self.options = options or DriveOptions()
        ring = camera_ring(self.options)
        self.cameras: Mapping[str, CameraModel] = ring
        self.thermal_cameras: Mapping[str, CameraModel] = thermal_ring(self.options, ring)
        self.world = World(self.options.seed, duration_s=self.options.duration_s)
        self._renderer = Renderer(self.options)

    def __len__(self) -> int:
        return self.options.count

    def __iter__(self) -> Iterator[DriveSample]:
        for index in range(len(self)):
            yield self.sample(index)

    def sample(self, index: int, *, cameras: Sequence[str] | None = None, thermal: bool = False) -> DriveSample:
        """One instant.

        Args:
            index: 0 to len - 1.
            cameras: Names of the cameras to draw. Default: all.
            thermal: Whether thermal pictures are drawn too.

        Raises:
            IndexError: There is no such instant.
            ConfigError: There is no such camera.
        """
        index = operator.index(index)
        if not 0 <= index < len(self):
            raise IndexError(f"the drive has instants 0 to {len(self) - 1}, got {index}")
        names = list(self.cameras) if cameras is None else list(cameras)
        for name in names:
            if name not in self.cameras:
                raise ConfigError(
                    "Drive.sample: cameras", f"expected names out of {', '.join(self.cameras)}, got {name!r}"
                )
        time_s = index / self.options.rate_hz
        condition, strength = self.weather(index)
        scene = self.world.at(time_s)
        lit = self._renderer.light(
            scene, index=index, condition=condition, strength=strength, speed=self.world.layout.speed
        )
        order = list(self.cameras)
        images: dict[str, NDArray[np.uint8]] = {}
        truth: dict[str, GroundTruth] = {}
        warm: dict[str, NDArray[np.uint8]] = {}
        for name in names:
            images[name], truth[name] = self._renderer.picture(lit, self.cameras[name], order.index(name))
            if thermal:
                warm[name] = self._renderer.thermal(lit, self.thermal_cameras[name], order.index(name))
        return DriveSample(
            index=index,
            stamp_ns=self.stamp_ns(index),
            condition=condition,
            strength=strength,
            ego_pose=pose_matrix(scene.ego),
            images=images,
            thermal=warm,
            truth=truth,
        )

    def stamp_ns(self, index: int) -> int:
        """Time of an instant."""
        return self.options.start_stamp_ns + round(index * 1_000_000_000 / self.options.rate_hz)

    def weather(self, index: int) -> tuple[Condition, float]:
        """Condition and strength of an instant."""
        options = self.options
        if isinstance(options.condition, Condition):
            return options.condition, options.strength
        kinds = list(Condition)
        if options.condition == "cycle":
            return kinds[index * len(kinds) // len(self)], options.strength
        rng = generator(options.seed, _WEATHER, index)
        return kinds[int(rng.integers(len(kinds)))], round(float(rng.uniform(0.1, 1.0)), 2)
