"""Who is on the road: fills lanes, bays, pavements, crossings and work sites of a drive."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trt_perception.demo.seeding import generator
from trt_perception.demo.world.motion import Motion, MotionTable
from trt_perception.demo.world.road_layout import RoadLayout, Setting
from trt_perception.demo.world.traffic import ANIMAL, BUS, CAR, CONE, CYCLIST, PEDESTRIAN, REACH_M, TRUCK

_USERS = 32
_LENGTHS = {CAR: 5.2, TRUCK: 13.0, BUS: 12.5}


@dataclass(kw_only=True)
class _Plan:
    """What the filling functions share."""

    rng: np.random.Generator
    layout: RoadLayout
    end_s: float
    duration_s: float
    density: float

    def vehicle(self) -> int:
        """A random kind of vehicle."""
        return int(self.rng.choice((CAR, TRUCK, BUS), p=(0.58, 0.24, 0.18)))

    def at_crossing(self, s: float, margin: float) -> bool:
        """Whether a place along the road lies in or near a crossing."""
        return any(abs(s - crossing.s) < crossing.half_width + margin for crossing in self.layout.crossings)


def road_users(seed: int, layout: RoadLayout, *, ego_lane: int, end_s: float, duration_s: float) -> MotionTable:
    """Everybody of a drive of `duration_s` whose car goes from 0 to `end_s`."""
    rng = generator(seed, _USERS)
    plan = _Plan(rng=rng, layout=layout, end_s=end_s, duration_s=duration_s, density=float(rng.uniform(0.7, 1.3)))
    rows: list[Motion] = []
    for lane in range(layout.own_lanes):
        speed = layout.speed if lane == ego_lane else layout.speed * float(rng.uniform(0.6, 1.25))
        rows += _lane(plan, layout.own_lane(lane), speed, ego=lane == ego_lane)
    for lane in range(layout.other_lanes):
        rows += _lane(plan, layout.other_lane(lane), -layout.speed * float(rng.uniform(0.7, 1.2)), ego=False)
    for side in (1.0, -1.0):
        rows += _bays(plan, side)
        rows += _cyclists(plan, side)
        rows += _pavement(plan, side)
        rows += _yards(plan, side)
    rows += _work_sites(plan)
    rows += _crossings(plan)
    return MotionTable(rows)


def _lane(plan: _Plan, d: float, speed: float, *, ego: bool) -> list[Motion]:
    relative = (plan.layout.speed - speed) * plan.duration_s
    low, high = -REACH_M + min(0.0, relative), REACH_M + max(0.0, relative)
    rows: list[Motion] = []
    s = low + float(plan.rng.uniform(0.0, 20.0))
    while s < high:
        kind = plan.vehicle()
        free = ego and -16.0 < s < _LENGTHS[kind] + 9.0
        if not free:
            rows.append(
                Motion(class_id=kind, s=s, d=d + float(plan.rng.uniform(-0.25, 0.25)), speed=speed,
                       turn=0.0 if speed > 0 else float(np.pi), sway=float(plan.rng.uniform(0.0, 1.5)))
            )  # fmt: skip
        s += _LENGTHS[kind] + 5.0 + float(plan.rng.exponential(17.0 / plan.density))
    return rows


def _bays(plan: _Plan, side: float) -> list[Motion]:
    layout = plan.layout
    if not layout.parking:
        return []
    edge = layout.own_edge if side * layout.hand < 0 else layout.other_edge
    d = side * (edge + layout.cycle_lane + 0.15 + layout.parking / 2.0)
    along = 0.0 if side * layout.hand < 0 else float(np.pi)
    rows: list[Motion] = []
    s = -REACH_M
    while s < plan.end_s + REACH_M:
        kind = int(plan.rng.choice((CAR, TRUCK, BUS), p=(0.84, 0.11, 0.05)))
        if plan.rng.random() < 0.5 and not plan.at_crossing(s, 9.0):
            turn = along + (float(np.pi) if plan.rng.random() < 0.12 else 0.0) + float(plan.rng.normal(0.0, 0.02))
            rows.append(Motion(class_id=kind, s=s, d=d, turn=turn))
            s += _LENGTHS[kind] / 2.0
        s += _LENGTHS[kind] / 2.0 + float(plan.rng.uniform(1.0, 4.0)) + 2.0
    return rows


def _cyclists(plan: _Plan, side: float) -> list[Motion]:
    layout = plan.layout
    own = side * layout.hand < 0
    edge = layout.own_edge if own else layout.other_edge
    rows: list[Motion] = []
    for lane in ("road", "pavement"):
        speed = float(plan.rng.uniform(2.8, 5.5)) * (1.0 if own else -1.0)
        relative = (layout.speed - speed) * plan.duration_s
        s = -REACH_M + min(0.0, relative)
        kerb = edge + layout.extra
        while s < REACH_M + max(0.0, relative):
            offset = (
                edge + 0.2 + layout.cycle_lane * 0.5 if lane == "road" else kerb + float(plan.rng.uniform(0.5, 0.9))
            )
            turn = 0.0 if own else float(np.pi)
            d = side * (offset + float(plan.rng.uniform(-0.2, 0.2)))
            rows.append(Motion(class_id=CYCLIST, s=s, d=d, speed=speed, turn=turn, sway=1.0))
            s += 5.0 + float(plan.rng.exponential(20.0 / plan.density))
    return rows


def _pavement(plan: _Plan, side: float) -> list[Motion]:
    layout, rng = plan.layout, plan.rng
    kerb = layout.own_kerb if side * layout.hand < 0 else layout.other_kerb
    busy = {Setting.CITY: 9.0, Setting.SUBURB: 12.0, Setting.VILLAGE: 13.0, Setting.INDUSTRY: 15.0}[layout.setting]
    rows: list[Motion] = []
    s = -REACH_M
    while s < plan.end_s + REACH_M:
        d = kerb + float(rng.uniform(0.6, layout.pavement - 0.3))
        walks = rng.random() < 0.75
        direction = 1.0 if rng.random() < 0.5 else -1.0
        speed = direction * float(rng.uniform(0.8, 1.7)) if walks else 0.0
        turn = (0.0 if direction > 0 else float(np.pi)) if walks else float(rng.uniform(-np.pi, np.pi))
        rows.append(Motion(class_id=PEDESTRIAN, s=s, d=side * d, speed=speed, turn=turn))
        if rng.random() < 0.25:
            rows.append(
                Motion(
                    class_id=PEDESTRIAN,
                    s=s + float(rng.uniform(-0.3, 0.3)),
                    d=side * (d + 0.65),
                    speed=speed,
                    turn=turn,
                )
            )
        if rng.random() < 0.34:
            species = "dog" if rng.random() < 0.8 else str(rng.choice(["sheep", "deer", "horse", "cow"]))
            ahead = s + 1.0 + float(rng.uniform(0.0, 1.0))
            rows.append(Motion(class_id=ANIMAL, s=ahead, d=side * (d - 0.4), speed=speed, turn=turn, species=species))
        s += 1.5 + float(rng.exponential(busy / plan.density))
    return rows


def _yards(plan: _Plan, side: float) -> list[Motion]:
    """Beyond the pavement: animals on the grass, vehicles in drives."""
    layout, rng = plan.layout, plan.rng
    kerb = layout.own_kerb if side * layout.hand < 0 else layout.other_kerb
    edge = kerb + layout.pavement
    room = layout.verge + layout.setback
    rows: list[Motion] = []
    s = -REACH_M
    while s < plan.end_s + REACH_M:
        if not plan.at_crossing(s, 4.0):
            if rng.random() < 0.55 and room > 1.4:
                species = str(rng.choice(["dog", "deer", "sheep", "cow", "horse"], p=[0.12, 0.28, 0.22, 0.2, 0.18]))
                turn = float(rng.uniform(-np.pi, np.pi))
                rows.append(
                    Motion(
                        class_id=ANIMAL,
                        s=s,
                        d=side * (edge + float(rng.uniform(0.5, min(room, 6.0)))),
                        turn=turn,
                        species=species,
                    )
                )
            elif room > 6.0 and rng.random() < 0.6:
                kind = int(rng.choice((CAR, TRUCK), p=(0.75, 0.25)))
                turn = float(rng.choice([-np.pi / 2, np.pi / 2])) + float(rng.normal(0.0, 0.1))
                rows.append(Motion(class_id=kind, s=s, d=side * (edge + 1.0 + _LENGTHS[kind] / 2.0), turn=turn))
        s += 8.0 + float(rng.exponential(9.0))
    return rows


def _work_sites(plan: _Plan) -> list[Motion]:
    """Rows of cones along edges and lane lines, sometimes round a standing truck."""
    layout, rng = plan.layout, plan.rng
    rows: list[Motion] = []
    s = -REACH_M
    while s < plan.end_s + REACH_M:
        side = float(rng.choice([1.0, -1.0]))
        own = side * layout.hand < 0
        edge, kerb = (layout.own_edge, layout.own_kerb) if own else (layout.other_edge, layout.other_kerb)
        lanes = layout.own_lanes if own else layout.other_lanes
        places = [edge + 0.15, kerb - 0.1, kerb + 0.5, edge - 0.05]
        if lanes > 1:
            places.append(layout.median / 2.0 + layout.lane_width * float(rng.integers(1, lanes)))
        d = float(rng.choice(places))
        spacing = float(rng.uniform(1.5, 4.0))
        taper = float(rng.uniform(-0.08, 0.08))
        rows += [
            Motion(class_id=CONE, s=s + i * spacing, d=side * (d + taper * i), turn=float(rng.uniform(0.0, 1.5)))
            for i in range(int(rng.integers(3, 10)))
        ]
        s += 14.0 + float(rng.exponential(22.0))
    return rows


def _crossings(plan: _Plan) -> list[Motion]:
    """People and animals on the crosswalks, vehicles that wait in the side roads."""
    layout, rng = plan.layout, plan.rng
    reach = max(layout.own_kerb, layout.other_kerb) + 1.0
    rows: list[Motion] = []
    for crossing in layout.crossings:
        for _ in range(int(rng.integers(1, 4))):
            s = crossing.s + float(rng.choice([-1.0, 1.0])) * (crossing.half_width + float(rng.uniform(1.7, 3.3)))
            start = float(rng.uniform(-reach, reach))
            rows.append(
                Motion(class_id=PEDESTRIAN, s=s, d=start, cross_speed=float(rng.uniform(0.8, 1.5)), cross_reach=reach)
            )
        if rng.random() < 0.5:
            species = str(rng.choice(["dog", "deer", "sheep", "cow", "horse"], p=[0.3, 0.3, 0.2, 0.1, 0.1]))
            s = crossing.s + float(rng.uniform(-14.0, 14.0))
            rows.append(
                Motion(
                    class_id=ANIMAL,
                    s=s,
                    d=float(rng.uniform(-reach, reach)),
                    cross_speed=0.7,
                    cross_reach=reach,
                    species=species,
                )
            )
        for side in (1.0, -1.0):
            kerb = layout.own_kerb if side * layout.hand < 0 else layout.other_kerb
            d = kerb + layout.pavement + 1.5
            while d < 45.0:
                kind = plan.vehicle()
                towards = rng.random() < 0.6
                lane = side * layout.hand * (1.0 if towards else -1.0) * crossing.half_width / 2.0
                if rng.random() < 0.6:
                    turn = float(-side * np.pi / 2.0 if towards else side * np.pi / 2.0)
                    rows.append(
                        Motion(class_id=kind, s=crossing.s - lane, d=side * (d + _LENGTHS[kind] / 2.0), turn=turn)
                    )
                d += _LENGTHS[kind] + float(rng.uniform(2.0, 14.0))
    return rows
