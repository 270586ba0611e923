"""Trucks: rigid box trucks, tippers, flatbeds, tankers and articulated lorries."""

from __future__ import annotations

import numpy as np

from trt_perception.demo.mesh.mesh import Mesh
from trt_perception.demo.mesh.mesh_builder import Look, MeshBuilder
from trt_perception.demo.mesh.vehicle_parts import (
    GLASS,
    HEADLIGHT,
    INDICATOR,
    PLASTIC,
    PLATE,
    TAIL_LIGHT,
    end_panel,
    side_panel,
    tyre_blocks,
    wheels,
)

_CABS: tuple[tuple[float, float, float], ...] = (
    (0.85, 0.85, 0.85), (0.08, 0.08, 0.62), (0.48, 0.22, 0.06), (0.10, 0.50, 0.80), (0.16, 0.36, 0.10),
    (0.12, 0.12, 0.13), (0.60, 0.55, 0.50), (0.06, 0.32, 0.72),
)  # fmt: skip
_BOXES: tuple[tuple[float, float, float], ...] = (
    (0.86, 0.87, 0.87), (0.80, 0.80, 0.78), (0.55, 0.30, 0.12), (0.14, 0.14, 0.62), (0.62, 0.62, 0.62),
    (0.20, 0.48, 0.20), (0.10, 0.58, 0.82), (0.30, 0.32, 0.36),
)  # fmt: skip
_CHASSIS = Look(albedo=(0.09, 0.09, 0.10), heat=0.35)


def truck_mesh(rng: np.random.Generator) -> tuple[Mesh, tuple[float, float, float]]:
    """A truck and its length, width and height in m, centred on its footprint."""
    builder = MeshBuilder()
    long = bool(rng.random() < 0.3)
    length = float(rng.uniform(11.0, 14.5) if long else rng.uniform(6.6, 9.2))
    width = float(rng.uniform(2.3, 2.55))
    height = float(rng.uniform(3.4, 3.9) if long else rng.uniform(2.9, 3.6))
    back, front, half = -length / 2.0, length / 2.0, width / 2.0
    cab_length = float(rng.uniform(1.75, 2.2))
    cab_back = front - cab_length
    cab_height = min(height - 0.05, float(rng.uniform(2.5, 3.1)))
    radius = 0.5
    axles = [front - 1.25, back + 1.6] + ([back + 2.9, cab_back - 0.9] if long else [])
    tyre_blocks(builder, axles, half_width=half, radius=radius)
    builder.begin(group=0, at=(0.0, 0.0, 0.6))
    builder.box((back + 0.05, -half + 0.12, 0.48), (cab_back + 0.1, half - 0.12, 0.95), _CHASSIS)
    paint = _pick(_CABS, rng)
    _cab(builder, Look(albedo=paint, heat=0.35, gloss=0.1), cab_back, front, half, cab_height)
    load = Look(albedo=_pick(_BOXES, rng), heat=0.22, gloss=0.05)
    style = "box" if long else str(rng.choice(["box", "box", "tipper", "flatbed", "tanker"]))
    _LOADS[style](builder, load, (back, cab_back - 0.12, half, height), rng)
    builder.begin(group=1, at=(0.0, 0.0, 0.5))
    wheels(builder, axles, half_width=half, radius=radius, group=1, arches=False)
    _rear(builder, back, half)
    return builder.build(), (length, width, height)


def _pick(table: tuple[tuple[float, float, float], ...], rng: np.random.Generator) -> tuple[float, float, float]:
    b, g, r = table[int(rng.integers(len(table)))]
    shade = float(rng.uniform(0.85, 1.05))
    return (b * shade, g * shade, r * shade)


def _cab(builder: MeshBuilder, look: Look, back: float, front: float, half: float, height: float) -> None:
    builder.begin(group=0, at=((back + front) / 2.0, 0.0, height / 2.0))
    lower = 0.42
    bottom = [(back, -half, lower), (front, -half, lower), (front, half, lower), (back, half, lower)]
    top = [(back, -half + 0.06, height), (front - 0.3, -half + 0.06, height)]
    top += [(front - 0.3, half - 0.06, height), (back, half - 0.06, height)]
    builder.hexahedron(bottom, top, look)
    slope = 0.3 / (height - lower)

    def x_at(z: float) -> float:
        return front - slope * (z - lower) + 0.012

    low, high = 1.45 + 0.1, height - 0.3
    end_panel(
        builder,
        (-half + 0.14, low),
        (half - 0.14, high),
        x=x_at(low),
        top_x=x_at(high),
        look=GLASS,
        layer=1,
        front=True,
    )
    end_panel(
        builder, (-half + 0.2, 0.9), (half - 0.2, 1.4), x=x_at(0.9), top_x=x_at(1.4), look=PLASTIC, layer=1, front=True
    )
    end_panel(
        builder,
        (-half, lower),
        (half, 0.72),
        x=x_at(lower),
        top_x=x_at(0.72),
        look=PLASTIC.shade(1.4),
        layer=1,
        front=True,
    )
    end_panel(builder, (-0.27, 0.48), (0.27, 0.6), x=x_at(0.48) + 0.01, look=PLATE, layer=2, front=True)
    for sign in (1.0, -1.0):
        y0, y1 = sorted((sign * (half - 0.08), sign * (half - 0.45)))
        end_panel(builder, (y0, 0.72), (y1, 0.9), x=x_at(0.72) + 0.01, look=HEADLIGHT, layer=2, front=True)
    side_panel(builder, (front - 1.35, 1.5), (front - 0.42, height - 0.35), y=half + 0.006, look=GLASS, layer=1)
    side_panel(
        builder, (front - 1.45, 0.7), (front - 1.42, height - 0.3), y=half + 0.006, look=look.shade(0.5), layer=1
    )
    side_panel(builder, (back, lower), (front - 0.05, 0.62), y=half + 0.005, look=PLASTIC, layer=1)
    for sign in (1.0, -1.0):
        builder.begin(group=0, at=(front + 0.5, sign * (half + 0.5), 2.0))
        y0, y1 = sorted((sign * half, sign * (half + 0.22)))
        builder.box((front - 0.25, y0, 1.6), (front - 0.12, y1, 2.2), PLASTIC)


Extent = tuple[float, float, float, float]  # back, front, half width, top


def _box_load(builder: MeshBuilder, look: Look, extent: Extent, rng: np.random.Generator) -> None:
    back, front, half, top = extent
    builder.begin(group=0, at=((back + front) / 2.0, 0.0, 2.0))
    builder.box((back, -half, 0.95), (front, half, top), look)
    stripe = Look(albedo=_pick(_BOXES, rng), heat=0.22)
    middle = (0.95 + top) / 2.0
    side_panel(builder, (back + 0.05, 0.95), (front - 0.05, 1.05), y=half + 0.006, look=look.shade(0.45), layer=1)
    if rng.random() < 0.6:
        side_panel(builder, (back + 0.12 * (front - back), middle - 0.35), (front - 0.2 * (front - back), middle + 0.3),
                   y=half + 0.006, look=stripe, layer=1)  # fmt: skip
    for x in np.arange(back + 0.7, front - 0.3, 1.15):
        side_panel(
            builder, (float(x), 1.05), (float(x) + 0.03, top - 0.05), y=half + 0.008, look=look.shade(0.72), layer=2
        )
    for y in (-half + 0.06, -0.015, half - 0.09):
        end_panel(builder, (y, 1.0), (y + 0.03, top - 0.06), x=back - 0.008, look=look.shade(0.4), layer=1, front=False)
    end_panel(builder, (-half, 0.95), (half, 1.06), x=back - 0.009, look=_CHASSIS, layer=2, front=False)
    for y in (-0.3, 0.22):
        end_panel(
            builder,
            (y, 1.1),
            (y + 0.05, top - 0.1),
            x=back - 0.012,
            look=Look(albedo=(0.5, 0.5, 0.5)),
            layer=2,
            front=False,
        )


def _tipper_load(builder: MeshBuilder, look: Look, extent: Extent, rng: np.random.Generator) -> None:
    back, front, half, top = extent
    rim = min(top - 0.4, 2.5)
    builder.begin(group=0, at=((back + front) / 2.0, 0.0, 1.7))
    soil = Look(albedo=(0.16, 0.24, 0.32))
    bottom = [
        (back + 0.3, -half + 0.15, 0.95),
        (front, -half + 0.15, 0.95),
        (front, half - 0.15, 0.95),
        (back + 0.3, half - 0.15, 0.95),
    ]
    upper = [(back, -half, rim), (front, -half, rim), (front, half, rim), (back, half, rim)]
    builder.hexahedron(bottom, upper, look, roof=soil)
    for x in np.arange(back + 0.6, front - 0.3, 0.9):
        builder.begin(group=0, at=((back + front) / 2.0, 0.0, 1.7))
        side_panel(
            builder, (float(x), rim - 0.25), (float(x) + 0.12, rim), y=half + 0.01, look=look.shade(0.6), layer=1
        )
    side_panel(builder, (back, rim - 0.12), (front, rim), y=half + 0.012, look=look.shade(0.7), layer=2)
    builder.begin(group=1, at=((back + front) / 2.0, 0.0, rim))
    heap = [
        (back + 0.3, -half + 0.1, rim),
        (front - 0.2, -half + 0.1, rim),
        (front - 0.2, half - 0.1, rim),
        (back + 0.3, half - 0.1, rim),
    ]
    centre = (back + front) / 2.0
    peak = [(centre - 0.7, -0.3, top), (centre + 0.6, -0.3, top), (centre + 0.6, 0.3, top), (centre - 0.7, 0.3, top)]
    builder.hexahedron(heap, peak, soil)


def _flatbed_load(builder: MeshBuilder, look: Look, extent: Extent, rng: np.random.Generator) -> None:
    back, front, half, top = extent
    builder.begin(group=0, at=((back + front) / 2.0, 0.0, 1.1))
    builder.box((back, -half, 0.95), (front, half, 1.5), look.shade(0.8))
    builder.begin(group=1, at=((back + front) / 2.0, 0.0, 1.8))
    builder.box((front - 0.15, -half, 1.5), (front, half, min(top, 2.6)), look)
    colours = ((0.30, 0.50, 0.68), (0.40, 0.42, 0.45), (0.15, 0.30, 0.60))
    for i, x in enumerate(np.linspace(back + 0.2, front - 1.4, 3)):
        builder.begin(group=1, at=(float(x) + 0.5, 0.0, 1.8))
        upper = 1.5 + float(rng.uniform(0.5, max(0.6, min(1.6, top - 1.5))))
        builder.box(
            (float(x), -half + 0.2, 1.5), (float(x) + 1.1, half - 0.2, min(upper, top)), Look(albedo=colours[i])
        )


def _tanker_load(builder: MeshBuilder, look: Look, extent: Extent, rng: np.random.Generator) -> None:
    back, front, half, top = extent
    builder.begin(group=0, at=((back + front) / 2.0, 0.0, 1.9))
    middle, radius = (0.9 + top - 0.2) / 2.0, (top - 1.1) / 2.0
    angles = np.arange(12) * (2.0 * np.pi / 12.0) + np.pi / 12.0
    ring = [(half * 0.97 * float(np.cos(a)), middle + radius * float(np.sin(a))) for a in angles]
    for i in range(12):
        (y0, z0), (y1, z1) = ring[i], ring[(i + 1) % 12]
        builder.polygon([(front, y0, z0), (front, y1, z1), (back, y1, z1), (back, y0, z0)], look)
    builder.polygon([(front, y, z) for y, z in ring], look)
    builder.polygon([(back, y, z) for y, z in reversed(ring)], look.shade(0.9))
    side_panel(builder, (back + 0.3, middle - 0.12), (front - 0.2, middle + 0.12), y=half * 0.97 + 0.01,
               look=Look(albedo=_pick(_CABS, rng)), layer=1)  # fmt: skip


_LOADS = {"box": _box_load, "tipper": _tipper_load, "flatbed": _flatbed_load, "tanker": _tanker_load}


def _rear(builder: MeshBuilder, back: float, half: float) -> None:
    builder.begin(group=1, at=(back - 0.1, 0.0, 0.6))
    x = back - 0.02
    end_panel(
        builder,
        (-half + 0.05, 0.52),
        (half - 0.05, 0.72),
        x=x,
        look=Look(albedo=(0.12, 0.12, 0.5)),
        layer=1,
        front=False,
    )
    end_panel(builder, (-0.26, 0.55), (0.26, 0.68), x=x - 0.005, look=PLATE, layer=2, front=False)
    for sign in (1.0, -1.0):
        y0, y1 = sorted((sign * (half - 0.05), sign * (half - 0.42)))
        end_panel(builder, (y0, 0.74), (y1, 0.94), x=x, look=TAIL_LIGHT, layer=2, front=False)
        y0, y1 = sorted((sign * (half - 0.30), sign * (half - 0.42)))
        end_panel(builder, (y0, 0.76), (y1, 0.92), x=x - 0.004, look=INDICATOR, layer=3, front=False)
