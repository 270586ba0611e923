"""Buildings, plants and street furniture along the road."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trt_perception.demo.mesh.building_mesh import BuildingStyle, building_mesh
from trt_perception.demo.mesh.mesh import Mesh
from trt_perception.demo.mesh.plant_mesh import bush_mesh, conifer_mesh, hedge_mesh, tree_mesh
from trt_perception.demo.mesh.street_mesh import bin_mesh, fence_mesh, lamp_mesh, sign_mesh, signal_mesh
from trt_perception.demo.seeding import generator
from trt_perception.demo.world.placed import Placed
from trt_perception.demo.world.road import Road
from trt_perception.demo.world.road_layout import RoadLayout, Setting

_PLAN = 41
_SHAPE = 42
_CACHE = 2000
_REACH_M = {"building": 150.0, "fence": 70.0, "bin": 60.0, "bush": 70.0, "hedge": 80.0}

STYLES: dict[Setting, BuildingStyle] = {
    Setting.CITY: BuildingStyle(floors=(3, 7), gable=0.15, shop=0.6, wide_windows=0.3),
    Setting.SUBURB: BuildingStyle(floors=(2, 4), gable=0.6, shop=0.2, wide_windows=0.1),
    Setting.VILLAGE: BuildingStyle(floors=(1, 2), gable=0.95, shop=0.08, wide_windows=0.0),
    Setting.INDUSTRY: BuildingStyle(floors=(1, 3), gable=0.1, shop=0.05, wide_windows=0.7),
}
_DENSITY = {Setting.CITY: 0.93, Setting.SUBURB: 0.75, Setting.VILLAGE: 0.45, Setting.INDUSTRY: 0.6}


@dataclass(frozen=True, kw_only=True)
class _Item:
    """One thing: its kind, its place along the road, on which side (1 left) and how large."""

    kind: str
    s: float
    d: float
    turn: float
    length: float = 0.0
    depth: float = 0.0


class Scenery:
    """Everything that stands still and has no ground truth."""

    def __init__(self, seed: int, road: Road, layout: RoadLayout, *, start_m: float, end_m: float) -> None:
        self._seed = seed
        self._style = STYLES[layout.setting]
        rng = generator(seed, _PLAN)
        items: list[_Item] = []
        for side in (1.0, -1.0):
            items += _buildings(rng, layout, side, start_m, end_m)
            items += _plants(rng, layout, side, start_m, end_m)
            items += _furniture(rng, layout, side, start_m, end_m)
        self._items = items
        s = np.array([item.s for item in items])
        self._s = s
        self._reach = np.array([_REACH_M.get(item.kind, 105.0) for item in items])
        self._positions = road.points(s, np.array([item.d for item in items]))
        self._yaw = road.heading(s) + np.array([item.turn for item in items])
        self._lamp_height = float(rng.uniform(5.5, 8.0))
        self._meshes: dict[int, Mesh] = {}

    def around(self, ego_s: float) -> list[Placed]:
        """What can be seen from a place on the road."""
        placed = []
        for index in np.nonzero(np.abs(self._s - ego_s) < self._reach)[0]:
            item = self._items[index]
            placed.append(
                Placed(
                    mesh=self._mesh(int(index), item),
                    x=float(self._positions[index, 0]),
                    y=float(self._positions[index, 1]),
                    yaw=float(self._yaw[index]),
                    backdrop=item.kind in ("building", "hedge", "fence"),
                )
            )
        return placed

    def _mesh(self, index: int, item: _Item) -> Mesh:
        mesh = self._meshes.get(index)
        if mesh is None:
            if len(self._meshes) > _CACHE:
                self._meshes.clear()
            mesh = self._make(generator(self._seed, _SHAPE, index), item)
            self._meshes[index] = mesh
        return mesh

    def _make(self, rng: np.random.Generator, item: _Item) -> Mesh:
        if item.kind == "building":
            return building_mesh(rng, self._style, frontage=item.length, depth=item.depth)
        if item.kind == "lamp":
            return lamp_mesh(height=self._lamp_height, reach=item.length)
        if item.kind == "hedge":
            return hedge_mesh(rng, length=item.length)
        if item.kind == "fence":
            return fence_mesh(rng, length=item.length)
        if item.kind in ("tree", "conifer", "bush"):
            return {"tree": tree_mesh, "conifer": conifer_mesh, "bush": bush_mesh}[item.kind](rng)
        return {"signal": signal_mesh, "sign": sign_mesh, "bin": bin_mesh}[item.kind](rng)


def _kerb(layout: RoadLayout, side: float) -> float:
    return layout.own_kerb if side * layout.hand < 0 else layout.other_kerb


def _near_crossing(layout: RoadLayout, s: float, margin: float) -> bool:
    return any(abs(s - crossing.s) < crossing.half_width + margin for crossing in layout.crossings)


def _buildings(rng: np.random.Generator, layout: RoadLayout, side: float, start: float, end: float) -> list[_Item]:
    line = _kerb(layout, side) + layout.pavement + layout.verge + layout.setback
    items = []
    s = start
    wide = (14.0, 30.0) if layout.setting is Setting.INDUSTRY else (9.0, 20.0)
    while s < end:
        length, depth = float(rng.uniform(*wide)), float(rng.uniform(8.0, 13.0))
        if rng.random() < _DENSITY[layout.setting] and not _near_crossing(layout, s, length / 2.0 + 3.5):
            d = side * (line + depth / 2.0 + float(rng.uniform(0.0, 1.5)))
            # The front of a building faces its own -y: towards the road when it stands on the left.
            items.append(_Item(kind="building", s=s, d=d, turn=0.0 if side > 0 else np.pi, length=length, depth=depth))
        gap = 0.5 if layout.setting is Setting.CITY else float(rng.uniform(2.0, 9.0))
        s += length + gap
    return items


def _plants(rng: np.random.Generator, layout: RoadLayout, side: float, start: float, end: float) -> list[_Item]:
    inner = _kerb(layout, side) + layout.pavement
    fir = float(rng.uniform(0.0, 0.5))
    spacing = float(rng.uniform(8.0, 20.0))
    items = []
    s = start
    while s < end:
        free = not _near_crossing(layout, s, 3.0)
        room = layout.verge + layout.setback
        if free and room > 1.5:
            kind = "conifer" if rng.random() < fir else "tree"
            kind = "bush" if rng.random() < 0.3 else kind
            items.append(
                _Item(
                    kind=kind,
                    s=s,
                    d=side * (inner + float(rng.uniform(0.6, max(0.8, room - 0.6)))),
                    turn=float(rng.uniform(0, 6.28)),
                )
            )
        elif free and rng.random() < 0.6:
            items.append(
                _Item(kind="tree", s=s, d=side * (inner - layout.pavement + 0.9), turn=float(rng.uniform(0, 6.28)))
            )
        if free and layout.setting in (Setting.VILLAGE, Setting.SUBURB) and rng.random() < 0.5:
            kind = "hedge" if rng.random() < 0.5 else "fence"
            items.append(
                _Item(
                    kind=kind,
                    s=s + 3.0,
                    d=side * (inner + layout.verge + 0.6),
                    turn=0.0,
                    length=float(rng.uniform(5.0, 9.0)),
                )
            )
        if layout.setting in (Setting.VILLAGE, Setting.INDUSTRY):
            far = inner + layout.verge + layout.setback + float(rng.uniform(14.0, 45.0))
            items.append(_Item(kind="conifer" if rng.random() < fir else "tree", s=s, d=side * far, turn=0.0))
        s += spacing * float(rng.uniform(0.6, 1.4))
    return items


def _furniture(rng: np.random.Generator, layout: RoadLayout, side: float, start: float, end: float) -> list[_Item]:
    kerb = _kerb(layout, side)
    face = 0.0 if side > 0 else np.pi
    places = np.arange(start + (0.0 if side > 0 else 14.0), end, float(rng.uniform(24.0, 34.0)))
    items = [_Item(kind="lamp", s=float(s), d=side * (kerb + 0.6), turn=face, length=1.6) for s in places]
    own = side * layout.hand < 0
    towards = 0.0 if own else np.pi
    for crossing in layout.crossings:
        if crossing.has_signal:
            s = crossing.s - (1.0 if own else -1.0) * (crossing.half_width + 4.6)
            items.append(_Item(kind="signal", s=s, d=side * (kerb + 0.5), turn=towards))
    s = start
    while s < end:
        kind = "sign" if rng.random() < 0.4 else "bin"
        turn = towards if kind == "sign" else face
        items.append(_Item(kind=kind, s=s, d=side * (kerb + float(rng.uniform(0.45, 0.7))), turn=float(turn)))
        s += float(rng.uniform(9.0, 26.0))
    return items
