"""A scene of a few placed meshes on a flat asphalt field, drawn as the drive draws its own."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from trt_perception.demo.camera_model import CameraModel
from trt_perception.demo.camera_ring import camera_ring
from trt_perception.demo.condition import Condition
from trt_perception.demo.drive_options import DriveOptions
from trt_perception.demo.ground_truth import GroundTruth
from trt_perception.demo.mesh.animal_mesh import SPECIES, animal_mesh, animal_style
from trt_perception.demo.mesh.bus_mesh import bus_mesh
from trt_perception.demo.mesh.car_mesh import car_mesh
from trt_perception.demo.mesh.cone_mesh import cone_mesh
from trt_perception.demo.mesh.figure_mesh import cyclist_mesh, pedestrian_mesh, person_style
from trt_perception.demo.mesh.mesh import Mesh
from trt_perception.demo.mesh.truck_mesh import truck_mesh
from trt_perception.demo.render.renderer import Renderer
from trt_perception.demo.world.ground import GroundPatches, Material
from trt_perception.demo.world.placed import Placed
from trt_perception.demo.world.world import Scene

OPTIONS = DriveOptions(cameras=1, width=480, height=272, noise=0.0, blur=0.0, jpeg_quality=None)
CAMERA = camera_ring(OPTIONS)["front"]


def sample_mesh(class_id: int, seed: int) -> Mesh:
    """A mesh of one of CLASS_NAMES."""
    rng = np.random.default_rng(seed)
    if class_id == 3:
        return pedestrian_mesh(person_style(rng), float(rng.uniform(0.0, 6.0)), 1.0)
    if class_id == 4:
        return cyclist_mesh(person_style(rng), (0.2, 0.3, 0.4), float(rng.uniform(0.0, 6.0)))
    if class_id == 6:
        return animal_mesh(animal_style(rng, SPECIES[seed % len(SPECIES)]), float(rng.uniform(0.0, 6.0)), 1.0)
    return {0: car_mesh, 1: truck_mesh, 2: bus_mesh, 5: cone_mesh}[class_id](rng)[0]


def placed(class_id: int, x: float, y: float, *, yaw: float = 0.0, seed: int = 0, track_id: int = 0) -> Placed:
    """An object of one of CLASS_NAMES on the field."""
    mesh = sample_mesh(class_id, seed)
    size = {0: (4.5, 1.8, 1.5), 1: (8.0, 2.5, 3.2), 2: (11.0, 2.5, 3.1)}.get(class_id, (1.0, 0.6, 1.7))
    return Placed(mesh=mesh, x=x, y=y, yaw=yaw, class_id=class_id, track_id=track_id, size=size)


def scene_of(*things: Placed) -> Scene:
    """The things on a field of asphalt, seen by a car at the origin."""
    field = np.array([[[-400.0, -400.0], [400.0, -400.0], [400.0, 400.0], [-400.0, 400.0]]])
    ground = GroundPatches(
        corners=field, materials=np.array([Material.ASPHALT], dtype=np.int32), albedo=np.array([[0.3, 0.3, 0.3]])
    )
    return Scene(ego=(0.0, 0.0, 0.0), ground=ground, things=list(things))


def draw(
    *things: Placed, condition: Condition = Condition.DAY, options: DriveOptions = OPTIONS
) -> tuple[NDArray[np.uint8], GroundTruth]:
    """Front picture and truth of a scene."""
    renderer, camera = _stage(options)
    lit = renderer.light(scene_of(*things), index=0, condition=condition, strength=0.5, speed=0.0)
    return renderer.picture(lit, camera, 0)


@lru_cache(maxsize=8)
def _stage(options: DriveOptions) -> tuple[Renderer, CameraModel]:
    return Renderer(options), camera_ring(options)["front"]
