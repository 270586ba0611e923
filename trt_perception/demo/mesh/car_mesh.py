"""Passenger cars: hatchbacks, saloons, estates, SUVs and vans in many colours."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trt_perception.demo.mesh.mesh import Mesh
from trt_perception.demo.mesh.mesh_builder import Look, MeshBuilder, Point, mirrored_side
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

PAINTS: tuple[tuple[float, float, float], ...] = (
    (0.86, 0.86, 0.85), (0.80, 0.82, 0.83), (0.62, 0.62, 0.62), (0.38, 0.37, 0.36), (0.07, 0.07, 0.07),
    (0.10, 0.09, 0.10), (0.12, 0.10, 0.55), (0.08, 0.08, 0.68), (0.50, 0.22, 0.08), (0.62, 0.40, 0.16),
    (0.20, 0.32, 0.14), (0.35, 0.48, 0.52), (0.10, 0.62, 0.82), (0.55, 0.62, 0.66), (0.28, 0.16, 0.10),
    (0.14, 0.32, 0.72), (0.42, 0.40, 0.20), (0.22, 0.12, 0.30),
)  # fmt: skip


@dataclass(frozen=True)
class _Body:
    """Proportions: sizes in m, positions along the car as shares of its length, 0 at the back."""

    length: tuple[float, float]
    width: tuple[float, float]
    height: tuple[float, float]
    belt: float  # height of the lower edge of the windows, share of the height
    hood: float  # where the hood ends at the windscreen
    roof_front: float
    roof_back: float
    trunk: float  # where the rear window ends
    hood_drop: float  # how far the nose lies under the belt, m


_BODIES: tuple[_Body, ...] = (
    _Body((3.7, 4.2), (1.70, 1.80), (1.43, 1.52), 0.62, 0.76, 0.60, 0.10, 0.02, 0.16),
    _Body((4.5, 5.0), (1.78, 1.90), (1.40, 1.48), 0.62, 0.72, 0.57, 0.28, 0.13, 0.14),
    _Body((4.5, 4.9), (1.78, 1.88), (1.45, 1.55), 0.62, 0.72, 0.57, 0.07, 0.01, 0.14),
    _Body((4.4, 4.9), (1.84, 1.98), (1.62, 1.82), 0.60, 0.75, 0.60, 0.08, 0.02, 0.10),
    _Body((4.7, 5.4), (1.88, 2.00), (1.88, 2.10), 0.55, 0.87, 0.74, 0.03, 0.01, 0.14),
)


def car_mesh(rng: np.random.Generator) -> tuple[Mesh, tuple[float, float, float]]:
    """A car and its length, width and height in m, centred on its footprint."""
    body = _BODIES[int(rng.choice(len(_BODIES), p=[0.27, 0.25, 0.14, 0.22, 0.12]))]
    length, width, height = (float(rng.uniform(*span)) for span in (body.length, body.width, body.height))
    paint = np.array(PAINTS[int(rng.integers(len(PAINTS)))]) * rng.uniform(0.85, 1.1)
    look = Look(albedo=(float(paint[0]), float(paint[1]), float(paint[2])), heat=0.3, gloss=0.14)
    builder = MeshBuilder()
    back, front, half = -length / 2.0, length / 2.0, width / 2.0
    radius = float(rng.uniform(0.31, 0.37)) * (1.08 if height > 1.6 else 1.0)
    axles = (back + 0.19 * length, front - 0.185 * length)
    tyre_blocks(builder, axles, half_width=half, radius=radius)
    _lower_body(builder, body, look, back, length, half, height)
    wheels(builder, axles, half_width=half, radius=radius, group=0)
    _cabin(builder, body, look, back, length, half, height, taxi=bool(rng.random() < 0.05))
    return builder.build(), (length, width, height)


def _lower_body(
    builder: MeshBuilder, body: _Body, look: Look, back: float, length: float, half: float, height: float
) -> None:
    belt, sill, front = body.belt * height, 0.20, back + length
    nose = belt - body.hood_drop
    hood_x = back + body.hood * length
    builder.begin(group=0, at=(0.0, 0.0, belt / 2.0))
    tail = back + 0.03
    side: list[Point] = [
        (back + 0.10, half, sill), (back, half, sill + 0.22), (tail, half, belt - 0.02), (hood_x, half, belt),
        (front - 0.10, half, nose), (front, half, nose - 0.18), (front, half, sill + 0.12), (front - 0.14, half, sill),
    ]  # fmt: skip
    for sign in (1.0, -1.0):
        builder.polygon(mirrored_side(side, sign), look)
    count = len(side)
    for i in range(count):
        (x0, _, z0), (x1, _, z1) = side[i], side[(i + 1) % count]
        upward = i in (2, 3)
        builder.polygon(
            [(x0, half, z0), (x0, -half, z0), (x1, -half, z1), (x1, half, z1)], look.shade(1.05 if upward else 1.0)
        )
    side_panel(builder, (back + 0.25, sill), (front - 0.3, sill + 0.10), y=half + 0.004, look=PLASTIC, layer=1)
    door = back + 0.42 * length
    for x in (door, back + 0.64 * length):
        side_panel(builder, (x, sill + 0.1), (x + 0.025, belt - 0.03), y=half + 0.005, look=look.shade(0.45), layer=1)
    side_panel(
        builder, (door + 0.08, belt - 0.16), (door + 0.26, belt - 0.12), y=half + 0.006, look=look.shade(0.5), layer=2
    )
    _nose(builder, front, half, nose)
    _tail(builder, back, half, belt, sill)


def _nose(builder: MeshBuilder, front: float, half: float, nose: float) -> None:
    x = front + 0.006
    top = nose - 0.19
    end_panel(builder, (-half + 0.06, 0.26), (half - 0.06, 0.42), x=x, look=PLASTIC, layer=1, front=True)
    end_panel(builder, (-half * 0.5, 0.46), (half * 0.5, top), x=x, look=PLASTIC.shade(0.8), layer=1, front=True)
    end_panel(builder, (-0.26, 0.40), (0.26, 0.51), x=x + 0.004, look=PLATE, layer=2, front=True)
    for sign in (1.0, -1.0):
        low, high = sorted((sign * (half - 0.05), sign * (half - 0.42)))
        end_panel(builder, (low, top - 0.15), (high, top + 0.02), x=x, look=HEADLIGHT, layer=2, front=True)
        corners: list[Point] = [
            (front - 0.28, half + 0.006, nose - 0.26), (front - 0.20, half + 0.006, nose - 0.12),
            (front - 0.02, half + 0.006, nose - 0.20), (front - 0.01, half + 0.006, nose - 0.33),
        ]  # fmt: skip
        builder.polygon(mirrored_side(corners, sign), HEADLIGHT, layer=2)


def _tail(builder: MeshBuilder, back: float, half: float, belt: float, sill: float) -> None:
    x = back - 0.012
    end_panel(builder, (-half + 0.05, sill + 0.10), (half - 0.05, sill + 0.22), x=x, look=PLASTIC, layer=1, front=False)
    end_panel(builder, (-0.26, belt - 0.33), (0.26, belt - 0.22), x=x, look=PLATE, layer=2, front=False)
    for sign in (1.0, -1.0):
        low, high = sorted((sign * (half - 0.02), sign * (half - 0.36)))
        end_panel(builder, (low, belt - 0.26), (high, belt - 0.06), x=x, look=TAIL_LIGHT, layer=2, front=False)
        inner = sorted((sign * (half - 0.30), sign * (half - 0.36)))
        end_panel(
            builder, (inner[0], belt - 0.22), (inner[1], belt - 0.10), x=x - 0.003, look=INDICATOR, layer=3, front=False
        )
        corners: list[Point] = [
            (back + 0.02, half + 0.006, belt - 0.27), (back + 0.05, half + 0.006, belt - 0.06),
            (back + 0.26, half + 0.006, belt - 0.08), (back + 0.18, half + 0.006, belt - 0.20),
        ]  # fmt: skip
        builder.polygon(mirrored_side(corners, sign), TAIL_LIGHT, layer=2)


def _cabin(
    builder: MeshBuilder, body: _Body, look: Look, back: float, length: float, half: float, height: float, *, taxi: bool
) -> None:
    belt = body.belt * height - 0.02
    low_back, low_front = back + body.trunk * length, back + body.hood * length
    top_back, top_front = back + body.roof_back * length, back + body.roof_front * length
    base, roof = half - 0.05, half - 0.24
    builder.begin(group=1, at=(0.0, 0.0, height * 0.8))
    bottom: list[Point] = [
        (low_back, -base, belt),
        (low_front, -base, belt),
        (low_front, base, belt),
        (low_back, base, belt),
    ]
    top: list[Point] = [
        (top_back, -roof, height),
        (top_front, -roof, height),
        (top_front, roof, height),
        (top_back, roof, height),
    ]
    builder.hexahedron(bottom, top, look, roof=look.shade(1.08))

    def on_side(along: float, up: float) -> Point:
        x0, x1 = low_back + along * (low_front - low_back), top_back + along * (top_front - top_back)
        return (x0 + up * (x1 - x0), base + up * (roof - base) + 0.006, belt + up * (height - belt))

    for start, end in ((0.07, 0.36), (0.40, 0.64), (0.67, 0.92)):
        pane = [on_side(start, 0.08), on_side(start, 0.84), on_side(end, 0.84), on_side(end, 0.08)]
        for sign in (1.0, -1.0):
            builder.polygon(mirrored_side(pane, sign), GLASS, layer=1)
    for front in (True, False):
        x0, x1 = (low_front, top_front) if front else (low_back, top_back)
        push = 0.008 if front else -0.008

        def across(side: float, up: float, x0: float = x0, x1: float = x1, push: float = push) -> Point:
            return (x0 + up * (x1 - x0) + push, side * (base + up * (roof - base)), belt + up * (height - belt))

        pane = [across(-0.9, 0.08), across(0.9, 0.08), across(0.88, 0.9), across(-0.88, 0.9)]
        builder.polygon(pane if front else list(reversed(pane)), GLASS, layer=1)
        shine = [across(-0.5, 0.08), across(-0.1, 0.08), across(0.35, 0.9), across(0.05, 0.9)]
        builder.polygon(shine if front else list(reversed(shine)), GLASS.shade(1.9), layer=2)
    for sign in (1.0, -1.0):
        builder.begin(group=1, at=(low_front - 0.5, sign * (half + 0.4), belt))
        y0, y1 = sorted((sign * (half - 0.02), sign * (half + 0.15)))
        builder.box((low_front - 0.42, y0, belt + 0.02), (low_front - 0.27, y1, belt + 0.16), look.shade(0.9))
    if taxi:
        builder.begin(group=2, at=(0.0, 0.0, height))
        builder.box((-0.1, -0.3, height), (0.1, 0.3, height + 0.14), Look(albedo=(0.1, 0.8, 0.95), heat=0.3))
