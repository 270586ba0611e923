"""Buildings: houses with gables, blocks with rows of windows, shops and halls."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trt_perception.demo.mesh.mesh import Glow, Mesh
from trt_perception.demo.mesh.mesh_builder import Look, MeshBuilder, Point

Colour = tuple[float, float, float]

WALLS: tuple[Colour, ...] = (
    (0.55, 0.66, 0.72), (0.62, 0.70, 0.74), (0.30, 0.38, 0.58),
    (0.26, 0.32, 0.50), (0.70, 0.72, 0.72), (0.52, 0.54, 0.55),
    (0.48, 0.62, 0.70), (0.62, 0.58, 0.50), (0.40, 0.56, 0.72),
    (0.36, 0.40, 0.44), (0.60, 0.68, 0.60), (0.44, 0.50, 0.66),
)  # fmt: skip
ROOFS: tuple[Colour, ...] = (
    (0.20, 0.24, 0.45),
    (0.18, 0.20, 0.28),
    (0.22, 0.22, 0.22),
    (0.30, 0.36, 0.52),
    (0.14, 0.14, 0.15),
)
AWNINGS: tuple[Colour, ...] = (
    (0.15, 0.15, 0.65),
    (0.18, 0.42, 0.15),
    (0.55, 0.30, 0.10),
    (0.12, 0.50, 0.75),
    (0.30, 0.12, 0.36),
)


@dataclass(frozen=True, kw_only=True)
class BuildingStyle:
    """How the buildings of one drive look.

    Args:
        floors: Fewest and most floors.
        gable: Share of buildings with a pitched roof.
        shop: Share with a shop on the ground floor.
        wide_windows: Bands of glass rather than single windows.
    """

    floors: tuple[int, int]
    gable: float
    shop: float
    wide_windows: float


def building_mesh(rng: np.random.Generator, style: BuildingStyle, *, frontage: float, depth: float) -> Mesh:
    """A building. Its footprint is centred; its front faces -y (towards a road on its right)."""
    builder = MeshBuilder()
    floors = int(rng.integers(style.floors[0], style.floors[1] + 1))
    storey = float(rng.uniform(2.9, 3.4))
    height = floors * storey + 0.4
    wall_colour = WALLS[int(rng.integers(len(WALLS)))]
    shade = float(rng.uniform(0.8, 1.1))
    wall = Look(albedo=(wall_colour[0] * shade, wall_colour[1] * shade, wall_colour[2] * shade), heat=0.3)
    half_x, half_y = frontage / 2.0, depth / 2.0
    builder.begin(group=0, at=(0.0, 0.0, height / 2.0))
    builder.box((-half_x, -half_y, 0.0), (half_x, half_y, height), wall, roof=Look(albedo=(0.3, 0.3, 0.3), heat=0.2))
    _walls(builder, rng, style, wall, half_x, half_y, floors, storey)
    if rng.random() < style.gable:
        _gable(builder, rng, wall, half_x, half_y, height)
    else:
        builder.begin(group=1, at=(0.0, 0.0, height))
        builder.box(
            (-half_x - 0.15, -half_y - 0.15, height - 0.1),
            (half_x + 0.15, half_y + 0.15, height + 0.35),
            wall.shade(0.8),
            floor=False,
        )
    return builder.build()


def _walls(
    builder: MeshBuilder, rng: np.random.Generator, style: BuildingStyle, wall: Look, half_x: float, half_y: float,
    floors: int, storey: float,
) -> None:  # fmt: skip
    bands = bool(rng.random() < style.wide_windows)
    spacing = float(rng.uniform(2.1, 3.2))
    window_width = 0.86 * spacing if bands else float(rng.uniform(0.40, 0.55)) * spacing
    frame = Look(albedo=(0.78, 0.78, 0.78)) if rng.random() < 0.6 else wall.shade(0.55)
    shop = bool(rng.random() < style.shop)
    sides = ((0, half_x, half_y), (1, half_y, half_x), (3, half_y, half_x), (2, half_x, half_y))
    for turn, half_width, distance in sides:
        _band(builder, turn, half_width, distance, 0.0, 0.35, wall.shade(0.6), 1)
        count = max(1, int((2.0 * half_width - 1.0) / spacing))
        for floor in range(floors):
            base = floor * storey
            if floor and not bands:
                _band(builder, turn, half_width, distance, base - 0.06, base + 0.08, wall.shade(0.82), 1)
            if floor == 0 and turn == 0:
                _ground_floor(builder, rng, shop, half_width, distance, storey)
                continue
            if turn == 2:
                continue  # nobody sees the back
            for i in range(count):
                x = (i - (count - 1) / 2.0) * spacing
                lit = rng.random() < 0.38
                glass = Look(
                    albedo=(0.22, 0.19, 0.16) if rng.random() < 0.75 else (0.42, 0.40, 0.38),
                    glow=Glow.WINDOW if lit else Glow.NONE, heat=0.42 if lit else 0.34, gloss=0.4,
                )  # fmt: skip
                low, high = base + 0.28 * storey, base + 0.80 * storey
                if half_width * 2.0 < 40.0 and turn == 0:
                    _pane(
                        builder,
                        turn,
                        (x - window_width / 2.0 - 0.09, x + window_width / 2.0 + 0.09),
                        distance,
                        low - 0.1,
                        high + 0.08,
                        frame,
                        2,
                    )
                _pane(builder, turn, (x - window_width / 2.0, x + window_width / 2.0), distance, low, high, glass, 3)


def _ground_floor(
    builder: MeshBuilder, rng: np.random.Generator, shop: bool, half: float, distance: float, storey: float
) -> None:
    if shop:
        awning = Look(albedo=AWNINGS[int(rng.integers(len(AWNINGS)))], heat=0.3)
        pane = Look(albedo=(0.25, 0.23, 0.22), glow=Glow.WINDOW, heat=0.42, gloss=0.4)
        for x in np.arange(-half + 0.6, half - 1.8, 2.6):
            _pane(builder, 0, (float(x), min(float(x) + 2.3, half - 0.3)), distance, 0.45, storey * 0.74, pane, 3)
        _pane(builder, 0, (-half + 0.2, half - 0.2), distance, storey * 0.80, storey * 0.98, awning, 3)
        sign = Look(albedo=(0.85, 0.88, 0.9), glow=Glow.SIGN, heat=0.35)
        middle = float(rng.uniform(-0.3, 0.3)) * half
        _pane(builder, 0, (middle - 1.4, middle + 1.4), distance, storey * 0.83, storey * 0.95, sign, 4)
        return
    door = float(rng.uniform(-0.5, 0.5)) * half
    colour = AWNINGS[int(rng.integers(len(AWNINGS)))]
    _pane(builder, 0, (door - 0.65, door + 0.65), distance, 0.0, 2.3, Look(albedo=(0.7, 0.7, 0.7)), 2)
    _pane(builder, 0, (door - 0.5, door + 0.5), distance, 0.0, 2.15, Look(albedo=colour, heat=0.33), 3)
    for x in np.arange(-half + 1.0, half - 1.5, 2.7):
        if abs(float(x) + 0.6 - door) > 1.5:
            lit = rng.random() < 0.4
            look = Look(albedo=(0.22, 0.19, 0.16), glow=Glow.WINDOW if lit else Glow.NONE, heat=0.4, gloss=0.4)
            _pane(
                builder, 0, (float(x) - 0.08, float(x) + 1.28), distance, 0.82, 2.38, Look(albedo=(0.75, 0.75, 0.75)), 2
            )
            _pane(builder, 0, (float(x), float(x) + 1.2), distance, 0.9, 2.3, look, 3)


def _band(
    builder: MeshBuilder, turn: int, half: float, distance: float, low: float, high: float, look: Look, layer: int
) -> None:
    _pane(builder, turn, (-half, half), distance, low, high, look, layer)


def _pane(
    builder: MeshBuilder,
    turn: int,
    span: tuple[float, float],
    distance: float,
    low: float,
    high: float,
    look: Look,
    layer: int,
) -> None:
    """A rectangle on the wall that faces -y, +x, +y or -x for `turn` 0 to 3."""
    y = -distance - 0.01 * layer
    corners = [(span[0], y, low), (span[1], y, low), (span[1], y, high), (span[0], y, high)]
    cos, sin = ((1, 0), (0, 1), (-1, 0), (0, -1))[turn]
    turned: list[Point] = [(cos * a - sin * b, sin * a + cos * b, c) for a, b, c in corners]
    builder.polygon(turned, look, layer=layer)


def _gable(
    builder: MeshBuilder, rng: np.random.Generator, wall: Look, half_x: float, half_y: float, base: float
) -> None:
    rise = float(rng.uniform(0.45, 0.75)) * half_y
    roof = Look(albedo=ROOFS[int(rng.integers(len(ROOFS)))], heat=0.25)
    x, y = half_x + 0.35, half_y + 0.45
    low = base - 0.15
    builder.begin(group=1, at=(0.0, 0.0, base + rise / 2.0))
    builder.polygon([(-x, -y, low), (x, -y, low), (x, 0.0, base + rise), (-x, 0.0, base + rise)], roof)
    builder.polygon([(x, y, low), (-x, y, low), (-x, 0.0, base + rise), (x, 0.0, base + rise)], roof)
    builder.polygon([(half_x, -half_y, base), (half_x, half_y, base), (half_x, 0.0, base + rise)], wall)
    builder.polygon([(-half_x, half_y, base), (-half_x, -half_y, base), (-half_x, 0.0, base + rise)], wall)
    builder.begin(group=2, at=(0.0, 0.0, base + rise))
    chimney = float(rng.uniform(-0.6, 0.6)) * half_x
    builder.box((chimney - 0.35, -0.3, base + rise * 0.6), (chimney + 0.35, 0.3, base + rise + 0.8), wall.shade(0.7))
