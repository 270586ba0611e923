"""All road users of a drive and where they are at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from trt_perception.demo.classes import CLASS_NAMES
from trt_perception.demo.mesh.animal_mesh import AnimalStyle, animal_mesh, animal_style
from trt_perception.demo.mesh.bus_mesh import bus_mesh
from trt_perception.demo.mesh.car_mesh import car_mesh
from trt_perception.demo.mesh.cone_mesh import cone_mesh
from trt_perception.demo.mesh.figure_mesh import CLOTHES, PersonStyle, cyclist_mesh, pedestrian_mesh, person_style
from trt_perception.demo.mesh.mesh import Mesh
from trt_perception.demo.mesh.truck_mesh import truck_mesh
from trt_perception.demo.seeding import generator
from trt_perception.demo.world.motion import Motion, MotionTable
from trt_perception.demo.world.placed import Placed
from trt_perception.demo.world.road import Road

Array = NDArray[np.float64]

CAR, TRUCK, BUS, PEDESTRIAN, CYCLIST, CONE, ANIMAL = range(len(CLASS_NAMES))
REACH_M = 110.0
"""Road users further away than this are not drawn."""

_LOOKS = 31
_CACHE = 2000
_EGO_HALF = (2.9, 1.5)
_EGO_CENTRE_X = 1.4

Size = tuple[float, float, float]
_RIGID: dict[int, Callable[[np.random.Generator], tuple[Mesh, Size]]] = {
    CAR: car_mesh,
    TRUCK: truck_mesh,
    BUS: bus_mesh,
    CONE: cone_mesh,
}


@dataclass(kw_only=True)
class _Body:
    """What is made once for a road user: a fixed mesh, or a style from which each step is drawn."""

    size: Size
    mesh: Mesh | None = None
    person: PersonStyle | None = None
    animal: AnimalStyle | None = None
    frame: tuple[float, float, float] | None = None
    phase: float = 0.0


@dataclass(kw_only=True)
class Traffic:
    """Road users by track id, which is their row in `motions`.

    Args:
        seed: Seed of the drive.
        road: The road they are on.
        motions: How each one moves.
    """

    seed: int
    road: Road
    motions: MotionTable
    _bodies: dict[int, _Body] = field(default_factory=dict)

    def at(self, time_s: float, *, ego_s: float, ego_x: float, ego_y: float, ego_yaw: float) -> list[Placed]:
        """Everybody near the car at a time; who would stand inside a vehicle is left out."""
        table = self.motions
        s, d, turn = table.at(time_s)
        near = np.nonzero(np.abs(s - ego_s) < REACH_M)[0]
        positions = self.road.points(s[near], d[near])
        yaws = self.road.heading(s[near]) + turn[near]
        bodies = [self._body(int(track)) for track in near]
        half = np.array([[body.size[0] / 2.0, body.size[1] / 2.0] for body in bodies]).reshape(-1, 2)
        classes = table.class_ids[near]
        kept = _without_overlaps(classes, positions, yaws, half, (ego_x, ego_y, ego_yaw))
        placed = []
        for i in np.nonzero(kept)[0]:
            track, body = int(near[i]), bodies[i]
            travelled = float(abs(s[track] - table.s0[track])) + float(table.travel(track, time_s))
            placed.append(
                Placed(
                    mesh=_posed(body, travelled, moving=bool(table.moving[track])),
                    x=float(positions[i, 0]),
                    y=float(positions[i, 1]),
                    yaw=float(yaws[i]),
                    class_id=int(classes[i]),
                    track_id=track,
                    size=body.size,
                    powered=bool(table.moving[track]) or track % 5 == 0,
                )
            )
        return placed

    def _body(self, track: int) -> _Body:
        body = self._bodies.get(track)
        if body is None:
            if len(self._bodies) > _CACHE:
                self._bodies.clear()
            row = self.motions.rows[track]
            body = _make_body(generator(self.seed, _LOOKS, track), row)
            self._bodies[track] = body
        return body


def _make_body(rng: np.random.Generator, row: Motion) -> _Body:
    if row.class_id in _RIGID:
        mesh, size = _RIGID[row.class_id](rng)
        return _Body(size=size, mesh=mesh)
    phase = float(rng.uniform(0.0, 2.0 * np.pi))
    body = _Body(size=(0.0, 0.0, 0.0), phase=phase)
    if row.class_id == ANIMAL:
        body.animal = animal_style(rng, row.species)
    else:
        body.person = person_style(rng)
        if row.class_id == CYCLIST:
            body.frame = CLOTHES[int(rng.integers(len(CLOTHES)))]
    body.size = _extent([_posed(body, travelled, moving=True) for travelled in (0.0, 0.15, 0.3, 0.45)])
    return body


def _posed(body: _Body, travelled: float, *, moving: bool) -> Mesh:
    """The mesh at a point of the gait; a full cycle takes about 1.4 heights of a person."""
    if body.mesh is not None:
        return body.mesh
    if body.animal is not None:
        phase = body.phase + travelled * 2.0 * np.pi / (1.3 * body.animal.shoulder)
        return animal_mesh(body.animal, phase, 1.0 if moving else 0.15)
    if body.person is None:
        raise ValueError("a road user needs a mesh, an animal or a person")
    if body.frame is not None:
        return cyclist_mesh(body.person, body.frame, body.phase + travelled * 1.3)
    phase = body.phase + travelled * 2.0 * np.pi / (0.85 * body.person.height)
    return pedestrian_mesh(body.person, phase, 1.0 if moving else 0.12)


def _extent(poses: list[Mesh]) -> Size:
    """Length, width and height that hold a figure in all these poses."""
    reach = np.zeros(3)
    for mesh in poses:
        ends = mesh.vertices[mesh.faces[:, :2]]
        reach = np.maximum(reach, (np.abs(ends) + mesh.radii[..., None]).max(axis=(0, 1)))
    return (2.0 * float(reach[0]), 2.0 * float(reach[1]), float(reach[2]))


def _without_overlaps(
    classes: NDArray[np.int64], positions: Array, yaws: Array, half: Array, ego: tuple[float, float, float]
) -> NDArray[np.bool_]:
    """bool (n,): False for those who stand inside a vehicle or inside the car itself."""
    vehicles = np.isin(classes, (CAR, TRUCK, BUS))
    centres = np.vstack(
        [positions[vehicles], [[ego[0] + _EGO_CENTRE_X * np.cos(ego[2]), ego[1] + _EGO_CENTRE_X * np.sin(ego[2])]]]
    )
    turns = np.append(yaws[vehicles], ego[2])
    sizes = np.vstack([half[vehicles], [_EGO_HALF]])
    offset = positions[:, None, :] - centres[None, :, :]
    cos, sin = np.cos(turns), np.sin(turns)
    along = np.abs(offset[..., 0] * cos + offset[..., 1] * sin)
    across = np.abs(-offset[..., 0] * sin + offset[..., 1] * cos)
    margin = np.minimum(half.max(axis=1), 0.9)[:, None]
    inside = (along < sizes[:, 0] + margin + 0.1) & (across < sizes[:, 1] + 0.6 * margin + 0.1)
    small_hit = inside.any(axis=1) & ~vehicles
    length = half[:, 0]
    ego_hit = vehicles & (along[:, -1] < sizes[-1, 0] + length) & (across[:, -1] < sizes[-1, 1] + half[:, 1] * 0.6)
    kept: NDArray[np.bool_] = ~(small_hit | ego_hit)
    return kept
