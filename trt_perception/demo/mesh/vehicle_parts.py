"""Wheels, lamps and glass that cars, trucks and buses share."""

from __future__ import annotations

from collections.abc import Sequence

from trt_perception.demo.mesh.mesh import Glow
from trt_perception.demo.mesh.mesh_builder import Look, MeshBuilder, Point, mirrored_side

TYRE = Look(albedo=(0.045, 0.045, 0.05), heat=0.55)
HUB = Look(albedo=(0.5, 0.5, 0.5), heat=0.45, gloss=0.2)
GLASS = Look(albedo=(0.085, 0.075, 0.065), heat=0.18, gloss=0.35)
PLASTIC = Look(albedo=(0.07, 0.07, 0.07), heat=0.3)
HEADLIGHT = Look(albedo=(0.85, 0.85, 0.82), glow=Glow.HEADLIGHT, heat=0.6, gloss=0.2)
TAIL_LIGHT = Look(albedo=(0.06, 0.05, 0.62), glow=Glow.TAIL_LIGHT, heat=0.4)
INDICATOR = Look(albedo=(0.03, 0.38, 0.85), heat=0.35)
PLATE = Look(albedo=(0.78, 0.8, 0.8), heat=0.3)


def wheels(
    builder: MeshBuilder, axles: Sequence[float], *, half_width: float, radius: float, group: int, arches: bool = True
) -> None:
    """Tyres as dark blocks under the body, with a disc on each side of it. Open the body's part before."""
    for x in axles:
        for side in (1.0, -1.0):
            y = side * (half_width + 0.012)
            if arches:
                builder.disc(
                    (x, y - side * 0.008, radius * 1.05), radius * 1.17, side=side, look=PLASTIC.shade(0.5), layer=1
                )
            builder.disc((x, y, radius), radius, side=side, look=TYRE, layer=2)
            builder.disc((x, y + side * 0.006, radius), radius * 0.62, side=side, look=HUB, layer=3)
            builder.disc((x, y + side * 0.012, radius), radius * 0.22, side=side, look=HUB.shade(0.35), layer=4)


def tyre_blocks(builder: MeshBuilder, axles: Sequence[float], *, half_width: float, radius: float) -> None:
    """The tyres as seen under the body from ahead and behind; drawn before the body."""
    for x in axles:
        for side in (1.0, -1.0):
            inner, outer = side * (half_width - 0.22), side * (half_width - 0.005)
            builder.begin(group=-1, at=(x, (inner + outer) / 2.0, radius))
            low, high = min(inner, outer), max(inner, outer)
            builder.box((x - radius * 0.75, low, 0.0), (x + radius * 0.75, high, radius * 1.4), TYRE)


def side_panel(
    builder: MeshBuilder, low: tuple[float, float], high: tuple[float, float], *, y: float, look: Look, layer: int
) -> None:
    """A rectangle on both flanks, from (x, z) `low` to (x, z) `high`."""
    for side in (1.0, -1.0):
        corners: list[Point] = [(low[0], y, low[1]), (low[0], y, high[1]), (high[0], y, high[1]), (high[0], y, low[1])]
        builder.polygon(mirrored_side(corners, side), look, layer=layer)


def end_panel(
    builder: MeshBuilder,
    low: tuple[float, float],
    high: tuple[float, float],
    *,
    x: float,
    look: Look,
    layer: int,
    front: bool,
    top_x: float | None = None,
) -> None:
    """A rectangle on the front or the back, from (y, z) `low` to (y, z) `high`; `top_x` slants it."""
    upper = x if top_x is None else top_x
    corners: list[Point] = [
        (x, low[0], low[1]),
        (x, high[0], low[1]),
        (upper, high[0], high[1]),
        (upper, low[0], high[1]),
    ]
    builder.polygon(corners if front else list(reversed(corners)), look, layer=layer)
