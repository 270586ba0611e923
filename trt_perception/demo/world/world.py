"""The world of one drive: its road and everything on and beside it, at any instant."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trt_perception.demo.seeding import generator
from trt_perception.demo.world.ground import Ground, GroundPatches
from trt_perception.demo.world.placed import Placed
from trt_perception.demo.world.road import Road
from trt_perception.demo.world.road_layout import road_layout
from trt_perception.demo.world.road_users import road_users
from trt_perception.demo.world.scenery import Scenery
from trt_perception.demo.world.traffic import Traffic

_EGO = 24
_MARGIN_M = 260.0


@dataclass(frozen=True, kw_only=True, eq=False)
class Scene:
    """The world at one instant.

    Args:
        ego: x, y in m and yaw in radians of the car in the world.
        ground: Flat patches.
        things: Everything that stands on them.
    """

    ego: tuple[float, float, float]
    ground: GroundPatches
    things: list[Placed]


class World:
    """The world that a seed gives.

    Args:
        seed: Seed of the drive.
        duration_s: How long the car drives; the world reaches as far.
    """

    def __init__(self, seed: int, *, duration_s: float) -> None:
        self.seed = seed
        layout = road_layout(seed, start_m=-_MARGIN_M + 60.0, end_m=12.5 * duration_s + _MARGIN_M)
        end_s = layout.speed * duration_s
        rng = generator(seed, _EGO)
        self._lane = int(rng.integers(layout.own_lanes))
        self._lane_d = layout.own_lane(self._lane) + float(rng.uniform(-0.15, 0.15))
        self.layout = layout
        self.road = Road(seed, start_m=-_MARGIN_M, end_m=end_s + _MARGIN_M)
        self._ground = Ground(seed, self.road, layout)
        self._scenery = Scenery(seed, self.road, layout, start_m=-160.0, end_m=end_s + 160.0)
        motions = road_users(seed, layout, ego_lane=self._lane, end_s=end_s, duration_s=duration_s)
        self._traffic = Traffic(seed=seed, road=self.road, motions=motions)

    def ego(self, time_s: float) -> tuple[float, float, float]:
        """x, y in m and yaw in radians of the car at a time."""
        s = np.array([self.layout.speed * time_s])
        d = np.array([self._lane_d + 0.12 * np.sin(0.4 * time_s)])
        point = self.road.points(s, d)[0]
        return float(point[0]), float(point[1]), float(self.road.heading(s)[0])

    def at(self, time_s: float) -> Scene:
        """The world around the car at a time."""
        ego_s = self.layout.speed * time_s
        ego = self.ego(time_s)
        users = self._traffic.at(time_s, ego_s=ego_s, ego_x=ego[0], ego_y=ego[1], ego_yaw=ego[2])
        return Scene(ego=ego, ground=self._ground.around(ego_s), things=self._scenery.around(ego_s) + users)


def pose_matrix(pose: tuple[float, float, float]) -> NDArray[np.float64]:
    """float64 (4, 4) of a pose on the ground plane."""
    x, y, yaw = pose
    matrix = np.eye(4)
    matrix[:2, :2] = [[np.cos(yaw), -np.sin(yaw)], [np.sin(yaw), np.cos(yaw)]]
    matrix[:2, 3] = (x, y)
    return matrix
