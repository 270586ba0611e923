"""Draws one instant of the world for the cameras of a drive."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from trt_perception.demo.camera_model import CameraModel
from trt_perception.demo.condition import Condition
from trt_perception.demo.drive_options import DriveOptions
from trt_perception.demo.ground_truth import GroundTruth
from trt_perception.demo.render.air_effects import haze, rainfall, shine, sun_glare, wet_ground
from trt_perception.demo.render.atmosphere import Atmosphere, atmosphere
from trt_perception.demo.render.face_batch import FaceBatch, face_batch, padded, patch_vertices
from trt_perception.demo.render.ground_light import UNIT, GroundMarks, base_light, ground_marks, light_map
from trt_perception.demo.render.ground_texture import VARIANTS, ground_texture
from trt_perception.demo.render.lens import Lens
from trt_perception.demo.render.lighting import lamp_positions, lit_colours
from trt_perception.demo.render.painter import Painting, paint
from trt_perception.demo.render.projection import Polygons, project_faces, project_patches
from trt_perception.demo.render.sensor import SensorState, take
from trt_perception.demo.render.sky import sky_panorama
from trt_perception.demo.render.slots import FAR_M, GROUND_TABLE, OBJECTS, SCENERY, SCENERY_COUNT
from trt_perception.demo.render.thermal import thermal_colours, thermal_ground, thermal_picture
from trt_perception.demo.render.truth import ground_truth
from trt_perception.demo.render.view import SCALE
from trt_perception.demo.render.wall_grain import weathered_walls
from trt_perception.demo.seeding import generator
from trt_perception.demo.world.world import Scene

Array = NDArray[np.float64]
Bytes = NDArray[np.uint8]

_SENSOR = 62
_ROOM = 16


@dataclass(frozen=True, kw_only=True, eq=False)
class LitScene:
    """One instant, lit: what all its cameras share."""

    index: int
    ego: tuple[float, float, float]
    speed: float
    air: Atmosphere
    sun: Array
    batch: FaceBatch
    colours: Bytes
    patches: Array
    patch_colours: Bytes
    patch_materials: NDArray[np.int32]
    marks: GroundMarks
    is_object: NDArray[np.bool_]


class Renderer:
    """Pictures and truth of a drive. Keeps what can be used again: lenses, sky, textures.

    Args:
        options: Options of the drive.
    """

    def __init__(self, options: DriveOptions) -> None:
        self._options = options
        self._lenses: dict[str, Lens] = {}
        self._skies: dict[tuple[Condition, float], Bytes] = {}

    def light(self, scene: Scene, *, index: int, condition: Condition, strength: float, speed: float) -> LitScene:
        """Everything about an instant that does not depend on the camera."""
        air = atmosphere(self._options.seed, condition, strength)
        cos, sin = np.cos(scene.ego[2]), np.sin(scene.ego[2])
        world_sun = air.sun_direction
        sun = np.array(
            [cos * world_sun[0] + sin * world_sun[1], -sin * world_sun[0] + cos * world_sun[1], world_sun[2]]
        )
        batch = face_batch(scene.things, scene.ego)
        lamps = lamp_positions(batch)
        colour = np.rint(np.clip(scene.ground.albedo * base_light(air), 0.0, 1.0) * 255.0)
        return LitScene(
            index=index,
            ego=scene.ego,
            speed=speed,
            air=air,
            sun=sun,
            batch=batch,
            colours=lit_colours(batch, air, sun, lamps),
            patches=padded(patch_vertices(scene.ground.corners, scene.ego)),
            patch_colours=np.column_stack([colour, scene.ground.materials]).astype(np.uint8),
            patch_materials=scene.ground.materials,
            marks=ground_marks(batch, air, sun, lamps),
            is_object=np.array([thing.class_id >= 0 for thing in scene.things], dtype=bool),
        )

    def picture(self, scene: LitScene, camera: CameraModel, number: int) -> tuple[Bytes, GroundTruth]:
        """The picture of one camera, uint8 (h, w, 3) BGR, and its truth. `number` is the camera's place in the ring."""
        lens = self._lens(camera)
        view, maps, air = lens.view, lens.maps, scene.air
        polygons = project_faces(scene.batch, view, scene.sun)
        corners, numbers = project_patches(scene.patches, view)
        sky = maps.sky.picture(self._sky(air), scene.ego[2])
        painting = paint(
            view, sky, (corners, scene.patch_colours[numbers]), polygons, scene.colours[polygons.faces], scene.is_object
        )
        picture, slots = _shrunk(painting.canvas)
        rng = generator(self._options.seed, _SENSOR, scene.index, number)
        picture = self._weathered(picture, slots, scene, lens, polygons, painting, rng)
        truth = ground_truth(scene.batch, painting, lens, slots, polygons, scene.ego[2])
        picture = lens.bent(picture)
        if air.rain > 0.0:
            picture = rainfall(picture, rng, air.rain)
        return take(picture, self._sensor(scene, camera, rng), rng), truth

    def thermal(self, scene: LitScene, camera: CameraModel, number: int) -> Bytes:
        """The thermal picture of one camera, uint8 (h, w), bright is warm."""
        lens = self._lens(camera)
        view, maps = lens.view, lens.maps
        polygons = project_faces(scene.batch, view, scene.sun)
        corners, numbers = project_patches(scene.patches, view)
        heat = thermal_colours(scene.batch, scene.air)
        ground = thermal_ground(scene.patch_materials, scene.air)
        sky = np.full((view.camera.height, view.camera.width, 3), 8, dtype=np.uint8)
        painting = paint(view, sky, (corners, ground[numbers]), polygons, heat[polygons.faces], scene.is_object)
        picture, slots = _shrunk(painting.canvas)
        rng = generator(self._options.seed, _SENSOR, scene.index, 100 + number)
        grey = thermal_picture(picture, slots, maps, scene.air, _slot_distances(polygons, painting))
        state = SensorState(
            exposure=1.0,
            noise=3.0 * self._options.noise,
            motion_px=1,
            soft_px=0.9 * self._options.blur,
            jpeg_quality=None,
        )
        return take(lens.bent(grey), state, rng)

    def _weathered(
        self, picture: Bytes, slots: Bytes, scene: LitScene, lens: Lens, polygons: Polygons, painting: Painting,
        rng: np.random.Generator,
    ) -> Bytes:  # fmt: skip
        view, maps, air = lens.view, lens.maps, scene.air
        if maps.top < view.camera.height:
            grain = ground_texture(self._options.seed % VARIANTS).grain(maps, scene.ego, slots[maps.top :])
            light = light_map(view, maps, air, scene.marks)
            below = slots[maps.top :]
            shaded = cv2.multiply(picture[maps.top :], light, scale=1.0 / UNIT)
            shaded = cv2.multiply(shaded, cv2.merge([grain, grain, grain]), scale=1.0 / 128.0)
            cv2.copyTo(shaded, cv2.LUT(below, GROUND_TABLE), picture[maps.top :])
            if air.wetness > 0.05:
                picture = wet_ground(picture, slots, maps, air, cv2.blur(grain, (9, 5)).astype(np.uint8, copy=False))
        weathered_walls(picture, slots, scene.ego[2] + view.heading, view.focal_px / SCALE)
        picture = haze(picture, slots, maps, air, _slot_distances(polygons, painting))
        if air.lights > 0.0:
            picture = shine(picture, slots, scene.batch, view, air, painting.slot_of)
        if air.glare > 0.0:
            picture = sun_glare(picture, slots, view, air, scene.sun)
        return picture

    def _sensor(self, scene: LitScene, camera: CameraModel, rng: np.random.Generator) -> SensorState:
        options, air = self._options, scene.air
        sideways = abs(float(camera.rotation[1, 2]))
        dark = 1.0 + 1.2 * air.lights
        motion = options.blur * scene.speed * sideways * 0.10 * dark * camera.width / 960.0
        return SensorState(
            exposure=round(options.exposure * air.exposure * float(rng.uniform(0.93, 1.07)), 2),
            noise=air.noise * options.noise * float(rng.uniform(0.8, 1.2)),
            motion_px=1 + 2 * int(motion / 2.0),
            soft_px=0.35 * options.blur * float(rng.uniform(0.6, 1.8)),
            jpeg_quality=options.jpeg_quality,
        )

    def _lens(self, camera: CameraModel) -> Lens:
        if camera.name not in self._lenses:
            self._lenses[camera.name] = Lens(camera)
        return self._lenses[camera.name]

    def _sky(self, air: Atmosphere) -> Bytes:
        key = (air.condition, air.strength)
        if key not in self._skies:
            if len(self._skies) >= _ROOM:
                self._skies.clear()
            self._skies[key] = sky_panorama(self._options.seed, air)
        return self._skies[key]


def _shrunk(canvas: Bytes) -> tuple[Bytes, Bytes]:
    """Canvas to picture uint8 (h, w, 3) by averaging, and slots uint8 (h, w) by picking."""
    height, width = canvas.shape[:2]
    small = cv2.resize(canvas, (width // SCALE, height // SCALE), interpolation=cv2.INTER_AREA)
    slots = np.ascontiguousarray(canvas[::SCALE, ::SCALE, 3])
    return cv2.cvtColor(small, cv2.COLOR_BGRA2BGR).astype(np.uint8, copy=False), slots


def _slot_distances(polygons: Polygons, painting: Painting) -> Array:
    """float64 (256,): distance of each slot in m."""
    distances = np.zeros(256)
    steps = (np.arange(SCENERY_COUNT) + 0.5) / SCENERY_COUNT
    distances[SCENERY:OBJECTS] = np.expm1(steps * np.log1p(FAR_M))
    objects = np.nonzero(painting.slot_of >= OBJECTS)[0]
    distances[painting.slot_of[objects]] = polygons.distances[objects]
    return distances
