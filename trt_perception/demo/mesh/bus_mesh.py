"""City buses, coaches and double-deckers: rows of windows, doors, a lit destination sign."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from trt_perception.demo.mesh.mesh import Glow, Mesh
from trt_perception.demo.mesh.mesh_builder import Look, MeshBuilder, Point, mirrored_side
from trt_perception.demo.mesh.vehicle_parts import (
    GLASS,
    HEADLIGHT,
    PLASTIC,
    PLATE,
    TAIL_LIGHT,
    end_panel,
    side_panel,
    tyre_blocks,
    wheels,
)

_LIVERIES: tuple[tuple[tuple[float, float, float], tuple[float, float, float]], ...] = (
    ((0.10, 0.10, 0.68), (0.85, 0.85, 0.85)), ((0.08, 0.62, 0.86), (0.20, 0.20, 0.22)),
    ((0.62, 0.34, 0.10), (0.86, 0.86, 0.84)), ((0.22, 0.50, 0.16), (0.80, 0.85, 0.84)),
    ((0.84, 0.84, 0.82), (0.60, 0.26, 0.08)), ((0.82, 0.83, 0.80), (0.12, 0.34, 0.80)),
    ((0.46, 0.16, 0.34), (0.80, 0.80, 0.82)),
)  # fmt: skip
_LIT_GLASS = Look(albedo=GLASS.albedo, glow=Glow.WINDOW, heat=0.35, gloss=0.3)


def bus_mesh(rng: np.random.Generator) -> tuple[Mesh, tuple[float, float, float]]:
    """A bus and its length, width and height in m, centred on its footprint."""
    double = bool(rng.random() < 0.18)
    length = float(rng.uniform(9.6, 12.4))
    width = float(rng.uniform(2.45, 2.55))
    height = float(rng.uniform(4.1, 4.4) if double else rng.uniform(2.95, 3.25))
    back, front, half = -length / 2.0, length / 2.0, width / 2.0
    main, accent = _LIVERIES[int(rng.integers(len(_LIVERIES)))]
    look = Look(albedo=main, heat=0.3, gloss=0.1)
    trim = Look(albedo=accent, heat=0.3)
    builder = MeshBuilder()
    axles = (back + 0.26 * length, front - 2.6)
    tyre_blocks(builder, axles, half_width=half, radius=0.48)
    builder.begin(group=0, at=(0.0, 0.0, height / 2.0))
    lower = 0.3
    bottom: list[Point] = [(back, -half, lower), (front, -half, lower), (front, half, lower), (back, half, lower)]
    top: list[Point] = [(back + 0.06, -half + 0.08, height), (front - 0.14, -half + 0.08, height)]
    top += [(front - 0.14, half - 0.08, height), (back + 0.06, half - 0.08, height)]
    builder.hexahedron(bottom, top, look, roof=trim.shade(0.9))
    wheels(builder, axles, half_width=half, radius=0.48, group=0)
    decks = [(1.25, 2.25), (2.75, 3.85)] if double else [(1.25, height - 0.55)]
    for low, high in decks:
        _window_row(builder, back, front, half, height, low, high)
    if rng.random() < 0.7:
        side_panel(builder, (back + 0.1, 0.75), (front - 0.3, 0.98), y=half + 0.006, look=trim, layer=1)
    side_panel(builder, (back, lower), (front, lower + 0.12), y=half + 0.005, look=PLASTIC, layer=1)
    _doors(builder, front, half, min(height, 3.0))
    _front(builder, front, half, height, double=double, trim=trim)
    _back(builder, back, half, height)
    for sign in (1.0, -1.0):
        builder.begin(group=0, at=(front + 1.0, sign * (half + 0.6), 2.4))
        y0, y1 = sorted((sign * (half - 0.1), sign * (half + 0.25)))
        builder.box((front - 0.02, y0, 2.1), (front + 0.12, y1, 2.55), PLASTIC)
    return builder.build(), (length, width, height)


def _window_row(
    builder: MeshBuilder, back: float, front: float, half: float, height: float, low: float, high: float
) -> None:
    lean = 0.08 / (height - 0.3)

    def y_at(z: float) -> float:
        return half - lean * (z - 0.3) + 0.007

    count = max(4, round((front - back - 0.9) / 1.35))
    edges = np.linspace(back + 0.35, front - 0.5, count + 1)
    for start, end in pairwise(edges):
        x0, x1 = float(start) + 0.05, float(end) - 0.05
        pane: list[Point] = [(x0, y_at(low), low), (x0, y_at(high), high), (x1, y_at(high), high), (x1, y_at(low), low)]
        for sign in (1.0, -1.0):
            builder.polygon(mirrored_side(pane, sign), _LIT_GLASS, layer=1)


def _doors(builder: MeshBuilder, front: float, half: float, top: float) -> None:
    for x in (front - 1.35, front - 6.2):
        for offset in (0.0, 0.58):
            pane: list[Point] = [
                (x + offset, half + 0.012, 0.42), (x + offset, half - 0.05, top - 0.5),
                (x + offset + 0.54, half - 0.05, top - 0.5), (x + offset + 0.54, half + 0.012, 0.42),
            ]  # fmt: skip
            builder.polygon(mirrored_side(pane, -1.0), _LIT_GLASS, layer=2)


def _front(builder: MeshBuilder, front: float, half: float, height: float, *, double: bool, trim: Look) -> None:
    slope = 0.14 / (height - 0.3)

    def x_at(z: float) -> float:
        return front - slope * (z - 0.3) + 0.012

    top = 2.45 if double else height - 0.5
    end_panel(
        builder, (-half + 0.1, 1.05), (half - 0.1, top), x=x_at(1.05), top_x=x_at(top), look=GLASS, layer=1, front=True
    )
    if double:
        end_panel(
            builder,
            (-half + 0.15, 2.9),
            (half - 0.15, 3.9),
            x=x_at(2.9),
            top_x=x_at(3.9),
            look=GLASS,
            layer=1,
            front=True,
        )
    sign_low = top + 0.05
    sign = Look(albedo=(0.05, 0.45, 0.75), glow=Glow.SIGN, heat=0.35)
    end_panel(
        builder,
        (-half + 0.3, sign_low),
        (half - 0.3, sign_low + 0.3),
        x=x_at(sign_low),
        top_x=x_at(sign_low + 0.3),
        look=PLASTIC,
        layer=1,
        front=True,
    )
    end_panel(
        builder,
        (-half + 0.5, sign_low + 0.06),
        (half - 0.55, sign_low + 0.24),
        x=x_at(sign_low) + 0.01,
        look=sign,
        layer=2,
        front=True,
    )
    end_panel(
        builder, (-half, 0.3), (half, 0.5), x=x_at(0.3), top_x=x_at(0.5), look=trim.shade(0.5), layer=1, front=True
    )
    end_panel(builder, (-0.27, 0.36), (0.27, 0.48), x=x_at(0.36) + 0.01, look=PLATE, layer=2, front=True)
    for side in (1.0, -1.0):
        y0, y1 = sorted((side * (half - 0.08), side * (half - 0.5)))
        end_panel(builder, (y0, 0.6), (y1, 0.82), x=x_at(0.6) + 0.01, look=HEADLIGHT, layer=2, front=True)


def _back(builder: MeshBuilder, back: float, half: float, height: float) -> None:
    x = back - 0.01
    end_panel(
        builder,
        (-half + 0.35, 1.7),
        (half - 0.35, min(height, 3.3) - 0.5),
        x=x,
        top_x=x + 0.03,
        look=GLASS,
        layer=1,
        front=False,
    )
    end_panel(builder, (-half + 0.3, 0.75), (half - 0.3, 1.4), x=x, look=PLASTIC.shade(1.5), layer=1, front=False)
    end_panel(builder, (-half, 0.3), (half, 0.48), x=x, look=PLASTIC, layer=1, front=False)
    end_panel(builder, (-0.27, 0.52), (0.27, 0.66), x=x - 0.01, look=PLATE, layer=2, front=False)
    for side in (1.0, -1.0):
        y0, y1 = sorted((side * (half - 0.05), side * (half - 0.25)))
        end_panel(builder, (y0, 0.6), (y1, 1.3), x=x - 0.005, look=TAIL_LIGHT, layer=2, front=False)
