"""Puts a mesh together from boxes, prisms, discs and limbs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from trt_perception.demo.mesh.mesh import CORNERS, Glow, Kind, Mesh

Point = Sequence[float]

_SHEEN_RADIUS = 0.03  # m; thinner limbs are drawn in one tone


@dataclass(frozen=True, kw_only=True)
class Look:
    """How a face looks: albedo BGR 0 to 1, own light, warmth 0 to 1, share of mirrored sky."""

    albedo: tuple[float, float, float]
    glow: Glow = Glow.NONE
    heat: float = 0.25
    gloss: float = 0.0

    def shade(self, factor: float) -> Look:
        """The same look, `factor` times as bright."""
        return _shaded(self, factor)


@lru_cache(maxsize=4096)
def _shaded(look: Look, factor: float) -> Look:
    b, g, r = look.albedo
    return replace(look, albedo=(min(1.0, b * factor), min(1.0, g * factor), min(1.0, r * factor)))


class MeshBuilder:
    """Collects faces. `begin` opens a convex part, which is ordered as one against the other parts."""

    def __init__(self) -> None:
        self._vertices: list[tuple[float, float, float]] = []
        self._faces: list[list[int]] = []
        self._rows: list[tuple[int, tuple[float, float, float], float, float, Look, int, int, int]] = []
        self._group = 0
        self._anchor = -1

    def begin(self, *, group: int = 0, at: Point | None = None) -> None:
        """Open a part; without `at`, each of its faces is ordered by itself."""
        self._group = group
        self._anchor = -1 if at is None else self._vertex(at)

    def polygon(self, points: Sequence[Point], look: Look, *, layer: int = 0, both_sides: bool = False) -> None:
        """A flat convex face; counter-clockwise seen from outside."""
        indices = [self._vertex(point) for point in points]
        normal = _normal(points[0], points[1], points[-1])
        if normal is None:
            return
        kind = Kind.SHEET if both_sides else Kind.POLYGON
        self._add(kind, indices, normal, 0.0, 0.0, look, layer)

    def capsule(
        self, start: Point, end: Point, radius: float, look: Look, *, end_radius: float | None = None, layer: int = 0
    ) -> None:
        """A limb from `start` to `end`."""
        other = radius if end_radius is None else end_radius
        ends = [self._vertex(start), self._vertex(end)]
        self._add(Kind.CAPSULE, ends, (0.0, 0.0, 0.0), radius, other, look.shade(0.8), 2 * layer)
        if radius > _SHEEN_RADIUS:
            self._add(Kind.SHEEN, ends, (0.0, 0.0, 0.0), 0.62 * radius, 0.62 * other, look.shade(1.2), 2 * layer + 1)

    def leaves(
        self, centre: Point, radius: float, look: Look, *, normal: Point = (0.0, 0.0, 1.0), layer: int = 0
    ) -> None:
        """A ragged clump that is lit as a surface with this unit normal."""
        index = self._vertex(centre)
        unit = (float(normal[0]), float(normal[1]), float(normal[2]))
        self._add(Kind.LEAVES, [index, index], unit, radius, radius, look, 2 * layer)

    def hexahedron(
        self,
        bottom: Sequence[Point],
        top: Sequence[Point],
        look: Look,
        *,
        roof: Look | None = None,
        floor: bool = True,
    ) -> None:
        """Four sides, a top and a floor between the counter-clockwise corners `bottom` and `top`."""
        self.polygon(top, roof or look)
        count = len(bottom)
        for i in range(count):
            j = (i + 1) % count
            self.polygon([bottom[i], bottom[j], top[j], top[i]], look)
        if floor:
            self.polygon(list(reversed(bottom)), look.shade(0.5))

    def box(self, low: Point, high: Point, look: Look, *, roof: Look | None = None, floor: bool = True) -> None:
        """An upright box between two corners."""
        corners = [(low[0], low[1]), (high[0], low[1]), (high[0], high[1]), (low[0], high[1])]
        bottom, top = [(x, y, low[2]) for x, y in corners], [(x, y, high[2]) for x, y in corners]
        self.hexahedron(bottom, top, look, roof=roof, floor=floor)

    def disc(self, centre: Point, radius: float, *, side: float, look: Look, layer: int = 0) -> None:
        """An upright wheel disc that faces left (side 1) or right (side -1)."""
        angles = np.arange(CORNERS) * (2.0 * np.pi / CORNERS) * -side
        x = centre[0] + radius * np.cos(angles)
        z = centre[2] + radius * np.sin(angles)
        self.polygon([(float(a), centre[1], float(b)) for a, b in zip(x, z, strict=True)], look, layer=layer)

    def build(self) -> Mesh:
        """The mesh of all faces so far."""
        padded = [(face + [face[-1]] * CORNERS)[:CORNERS] for face in self._faces]
        looks = [row[4] for row in self._rows]
        anchors = [face[0] if row[7] < 0 else row[7] for face, row in zip(self._faces, self._rows, strict=True)]
        return Mesh(
            vertices=np.array(self._vertices, dtype=np.float64).reshape(-1, 3),
            faces=np.array(padded, dtype=np.int32).reshape(-1, CORNERS),
            kinds=np.array([row[0] for row in self._rows], dtype=np.int32),
            normals=np.array([row[1] for row in self._rows], dtype=np.float64).reshape(-1, 3),
            radii=np.array([row[2:4] for row in self._rows], dtype=np.float64).reshape(-1, 2),
            albedo=np.array([look.albedo for look in looks], dtype=np.float64).reshape(-1, 3),
            groups=np.array([row[5] for row in self._rows], dtype=np.int32),
            anchors=np.array(anchors, dtype=np.int32),
            layers=np.array([row[6] for row in self._rows], dtype=np.int32),
            glows=np.array([look.glow for look in looks], dtype=np.int32),
            heat=np.array([look.heat for look in looks], dtype=np.float64),
            gloss=np.array([look.gloss for look in looks], dtype=np.float64),
        )

    def _vertex(self, point: Point) -> int:
        self._vertices.append((float(point[0]), float(point[1]), float(point[2])))
        return len(self._vertices) - 1

    def _add(
        self,
        kind: Kind,
        indices: list[int],
        normal: tuple[float, float, float],
        start_radius: float,
        end_radius: float,
        look: Look,
        layer: int,
    ) -> None:
        self._faces.append(indices)
        self._rows.append((int(kind), normal, start_radius, end_radius, look, self._group, layer, self._anchor))


def mirrored_side(points: Sequence[Point], side: float) -> list[Point]:
    """Corners given for the left side (y > 0), turned into those of `side`, still counter-clockwise from outside."""
    if side > 0:
        return list(points)
    return [(x, -y, z) for x, y, z in reversed(points)]


def _normal(origin: Point, second: Point, last: Point) -> tuple[float, float, float] | None:
    """Unit normal of a counter-clockwise face, None for one without area."""
    ax, ay, az = (float(second[i]) - float(origin[i]) for i in range(3))
    bx, by, bz = (float(last[i]) - float(origin[i]) for i in range(3))
    x, y, z = ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx
    length = math.sqrt(x * x + y * y + z * z)
    return None if length < 1e-9 else (x / length, y / length, z / length)
