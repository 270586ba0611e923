"""The flat parts of the world: grass, paving, kerbs and paint, as convex patches."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from trt_perception.demo.seeding import generator
from trt_perception.demo.world.road import Road
from trt_perception.demo.world.road_layout import Crossing, RoadLayout, Setting

Array = NDArray[np.float64]

_PAINT = 23
_STEP_M = 4.0
_BEHIND_M = 84.0
_AHEAD_M = 140.0
_ACROSS_M = 70.0
_PLAIN_M = 4000.0
LANE_REACH_M = 50.0
"""Lane lines further along the road than this are too thin in the picture to be told from the paving in the truth."""


class Material(IntEnum):
    """What a patch is made of. The order is that of the marks in the picture, not of drawing."""

    GRASS = 1
    PAVEMENT = 2
    KERB = 3
    ASPHALT = 4
    PAINT = 5
    LANE_LINE = 6
    CYCLE_LANE = 7


DRIVABLE = (Material.ASPHALT, Material.PAINT, Material.LANE_LINE, Material.CYCLE_LANE)


@dataclass(frozen=True, kw_only=True, eq=False)
class GroundPatches:
    """Q patches in the order of drawing.

    Args:
        corners: float64 (Q, 4, 2), world x y in m.
        materials: int32 (Q,), Material.
        albedo: float64 (Q, 3), BGR 0 to 1.
    """

    corners: Array
    materials: NDArray[np.int32]
    albedo: Array


class Ground:
    """The ground of one drive."""

    def __init__(self, seed: int, road: Road, layout: RoadLayout) -> None:
        self._road = road
        self._layout = layout
        rng = generator(seed, _PAINT)
        tone = float(rng.uniform(0.75, 1.2))
        grass = np.array([[0.10, 0.30, 0.22], [0.12, 0.36, 0.30], [0.16, 0.34, 0.38]])[int(rng.integers(3))]
        if layout.setting in (Setting.CITY, Setting.INDUSTRY):
            grass = np.array([0.36, 0.40, 0.42]) if rng.random() < 0.5 else grass
        self._albedo: dict[Material, Array] = {
            Material.GRASS: grass * float(rng.uniform(0.85, 1.1)),
            Material.PAVEMENT: np.array([[0.50, 0.53, 0.55], [0.42, 0.46, 0.50], [0.40, 0.47, 0.58]])[
                int(rng.integers(3))
            ],
            Material.KERB: np.array([0.62, 0.63, 0.63]),
            Material.ASPHALT: np.array([0.235, 0.23, 0.225]) * tone,
            Material.PAINT: np.array([0.82, 0.83, 0.83]),
            Material.LANE_LINE: np.array([0.82, 0.83, 0.83]),
            Material.CYCLE_LANE: np.array([[0.20, 0.22, 0.46], [0.22, 0.36, 0.24], [0.24, 0.235, 0.23]])[
                int(rng.integers(3))
            ]
            * tone,
        }
        self._yellow = np.array([0.12, 0.62, 0.80])
        self._base = _strips(layout)
        self._solid = _solid_lines(layout)
        self._dashed = _dashed_lines(layout)

    def around(self, ego_s: float) -> GroundPatches:
        """All patches that can be seen from a place on the road."""
        start = np.floor((ego_s - _BEHIND_M) / _STEP_M) * _STEP_M
        edges = start + _STEP_M * np.arange(int((_AHEAD_M + _BEHIND_M) / _STEP_M) + 1)
        here = self._road.points(np.array([ego_s]), np.zeros(1))
        plain = (here + _PLAIN_M * np.array([[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]]))[None]
        parts: list[tuple[Array, Material, Array]] = [(plain, Material.GRASS, self._albedo[Material.GRASS])]
        for low, high, material in self._base:
            parts.append((self._strip(edges[:-1], edges[1:], low, high), material, self._albedo[material]))
        near = [c for c in self._layout.crossings if edges[0] < c.s < edges[-1]]
        asphalt, paint = self._albedo[Material.ASPHALT], self._albedo[Material.PAINT]
        parts += [(self._side_road(crossing), Material.ASPHALT, asphalt) for crossing in near]
        free = self._outside_crossings(edges[:-1], edges[1:], 0.0)
        for d, yellow in self._solid:
            parts += self._line(edges[:-1][free], edges[1:][free], d, ego_s, yellow=yellow)
        period = self._layout.dash + self._layout.gap
        dashes = np.arange(np.floor(edges[0] / period), np.ceil(edges[-1] / period)) * period
        dashes = dashes[self._outside_crossings(dashes, dashes + self._layout.dash, 4.0)]
        for d, yellow in self._dashed:
            parts += self._line(dashes, dashes + self._layout.dash, d, ego_s, yellow=yellow)
        parts += [(self._crosswalks(crossing), Material.PAINT, paint) for crossing in near]
        return GroundPatches(
            corners=np.concatenate([part[0] for part in parts]),
            materials=np.concatenate([np.full(len(part[0]), part[1], dtype=np.int32) for part in parts]),
            albedo=np.concatenate([np.tile(part[2], (len(part[0]), 1)) for part in parts]),
        )

    def _line(
        self, start: Array, end: Array, d: float, ego_s: float, *, yellow: bool
    ) -> list[tuple[Array, Material, Array]]:
        """Pieces of a line along the road; beyond LANE_REACH_M they are paint like any other."""
        half = self._layout.line_width / 2.0
        colour = self._yellow if yellow else self._albedo[Material.LANE_LINE]
        near = np.abs((start + end) / 2.0 - ego_s) < LANE_REACH_M
        return [
            (self._strip(start[which], end[which], d - half, d + half), material, colour)
            for which, material in ((~near, Material.PAINT), (near, Material.LANE_LINE))
        ]

    def _strip(self, start: Array, end: Array, low: float, high: float) -> Array:
        """Patches (n, 4, 2) between lengths `start` and `end` (n,) and offsets `low` and `high`."""
        full = np.full(len(start), 1.0)
        return np.stack(
            [
                self._road.points(start, low * full),
                self._road.points(end, low * full),
                self._road.points(end, high * full),
                self._road.points(start, high * full),
            ],
            axis=1,
        )

    def _outside_crossings(self, start: Array, end: Array, margin: float) -> NDArray[np.bool_]:
        free = np.ones(len(start), dtype=bool)
        for crossing in self._layout.crossings:
            reach = crossing.half_width + margin
            free &= (end < crossing.s - reach) | (start > crossing.s + reach)
        return free

    def _side_road(self, crossing: Crossing) -> Array:
        """The road across, straight, at right angles."""
        layout = self._layout
        left = layout.own_kerb if layout.hand < 0 else layout.other_kerb
        right = layout.other_kerb if layout.hand < 0 else layout.own_kerb
        pieces = []
        for low, high, flare in (
            (-_ACROSS_M, -right, 0),
            (-right - 2.5, -right, 1),
            (left, _ACROSS_M, 0),
            (left, left + 2.5, 2),
        ):
            wide = crossing.half_width
            half_low = wide + (2.5 if flare == 2 else 0.0)
            half_high = wide + (2.5 if flare == 1 else 0.0)
            pieces.append([(-half_low, low), (half_low, low), (half_high, high), (-half_high, high)])
        return self._local(crossing.s, np.array(pieces))

    def _crosswalks(self, crossing: Crossing) -> Array:
        layout = self._layout
        left = (layout.own_kerb if layout.hand < 0 else layout.other_kerb) - 0.3
        right = (layout.other_kerb if layout.hand < 0 else layout.own_kerb) - 0.3
        pieces = []
        for sign in (1.0, -1.0):
            near, far = sign * (crossing.half_width + 1.0), sign * (crossing.half_width + 4.0)
            low, high = min(near, far), max(near, far)
            stripes = np.arange(-right, left - 0.5, 1.0)
            pieces += [[(low, d), (high, d), (high, d + 0.5), (low, d + 0.5)] for d in stripes]
            stop = sign * (crossing.half_width + 5.2)
            span = (-right, -layout.median / 2.0) if sign * layout.hand < 0 else (layout.median / 2.0, left)
            if layout.hand < 0:
                span = (layout.median / 2.0, left) if sign < 0 else (-right, -layout.median / 2.0)
            pieces.append([(stop - 0.2, span[0]), (stop + 0.2, span[0]), (stop + 0.2, span[1]), (stop - 0.2, span[1])])
        return self._local(crossing.s, np.array(pieces))

    def _local(self, s: float, pieces: Array) -> Array:
        """Patches (n, 4, 2) given in a straight frame at length `s`, in world coordinates."""
        at = np.array([s])
        origin = self._road.points(at, np.zeros(1))[0]
        heading = float(self._road.heading(at)[0])
        cos, sin = np.cos(heading), np.sin(heading)
        x, y = pieces[..., 0], pieces[..., 1]
        return np.stack([origin[0] + cos * x - sin * y, origin[1] + sin * x + cos * y], axis=-1)


def _strips(layout: RoadLayout) -> list[tuple[float, float, Material]]:
    strips: list[tuple[float, float, Material]] = []
    for sign in (1.0, -1.0):
        own = sign * layout.hand < 0
        edge, kerb = (layout.own_edge, layout.own_kerb) if own else (layout.other_edge, layout.other_kerb)
        strips.append((*_ordered(sign * kerb, sign * (kerb + layout.pavement)), Material.PAVEMENT))
        strips.append((*_ordered(sign * (kerb - 0.02), sign * (kerb + 0.22)), Material.KERB))
        strips.append((*_ordered(0.0, sign * kerb), Material.ASPHALT))
        if layout.cycle_lane:
            strips.append(
                (*_ordered(sign * (edge + 0.1), sign * (edge + 0.1 + layout.cycle_lane)), Material.CYCLE_LANE)
            )
    if layout.median:
        strips.append((-layout.median / 2.0 + 0.25, layout.median / 2.0 - 0.25, Material.KERB))
        strips.append((-layout.median / 2.0 + 0.45, layout.median / 2.0 - 0.45, Material.GRASS))
    return strips


def _solid_lines(layout: RoadLayout) -> list[tuple[float, bool]]:
    lines = []
    for sign, edge in ((-layout.hand, layout.own_edge), (layout.hand, layout.other_edge)):
        lines.append((sign * (edge + 0.1), False))
        if layout.cycle_lane and layout.parking:
            lines.append((sign * (edge + 0.1 + layout.cycle_lane), False))
    if layout.median:
        lines += [(-layout.median / 2.0, layout.yellow_centre), (layout.median / 2.0, layout.yellow_centre)]
    elif layout.own_lanes + layout.other_lanes > 2:
        lines += [(-0.16, layout.yellow_centre), (0.16, layout.yellow_centre)]
    return lines


def _dashed_lines(layout: RoadLayout) -> list[tuple[float, bool]]:
    lines = []
    if not layout.median and layout.own_lanes + layout.other_lanes == 2:
        lines.append((0.0, layout.yellow_centre))
    for count, sign in ((layout.own_lanes, -layout.hand), (layout.other_lanes, layout.hand)):
        lines += [(sign * (layout.median / 2.0 + i * layout.lane_width), False) for i in range(1, count)]
    return lines


def _ordered(a: float, b: float) -> tuple[float, float]:
    return (min(a, b), max(a, b))
