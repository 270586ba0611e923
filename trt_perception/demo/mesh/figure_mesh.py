"""People and animals: bodies of capsules that move with a walking phase."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from trt_perception.demo.mesh.mesh import Mesh
from trt_perception.demo.mesh.mesh_builder import Look, MeshBuilder, Point

Colour = tuple[float, float, float]

SKINS: tuple[Colour, ...] = (
    (0.52, 0.62, 0.80),
    (0.42, 0.54, 0.74),
    (0.28, 0.38, 0.56),
    (0.16, 0.22, 0.36),
    (0.10, 0.14, 0.24),
)
HAIRS: tuple[Colour, ...] = (
    (0.05, 0.05, 0.06),
    (0.08, 0.12, 0.20),
    (0.25, 0.45, 0.62),
    (0.55, 0.56, 0.58),
    (0.06, 0.18, 0.40),
)
CLOTHES: tuple[Colour, ...] = (
    (0.08, 0.08, 0.09), (0.30, 0.18, 0.08), (0.55, 0.35, 0.12),
    (0.12, 0.12, 0.58), (0.14, 0.42, 0.18), (0.80, 0.80, 0.80),
    (0.10, 0.60, 0.80), (0.12, 0.38, 0.78), (0.45, 0.45, 0.46),
    (0.40, 0.14, 0.36), (0.42, 0.52, 0.60), (0.60, 0.55, 0.18),
    (0.52, 0.48, 0.75), (0.20, 0.28, 0.36),
)  # fmt: skip
TROUSERS: tuple[Colour, ...] = (
    (0.10, 0.08, 0.07), (0.32, 0.18, 0.10), (0.22, 0.13, 0.08),
    (0.28, 0.38, 0.46), (0.20, 0.20, 0.21), (0.12, 0.20, 0.26),
    (0.50, 0.55, 0.58),
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class PersonStyle:
    """One person's looks. Sizes in m."""

    height: float
    girth: float
    skin: Colour
    hair: Colour
    top: Colour
    legs: Colour
    skirt: bool
    bag: bool
    hat: bool
    child: bool


def person_style(rng: np.random.Generator) -> PersonStyle:
    """A random person, one in eight a child."""
    child = bool(rng.random() < 0.12)

    def pick(table: tuple[Colour, ...]) -> Colour:
        b, g, r = table[int(rng.integers(len(table)))]
        shade = float(rng.uniform(0.8, 1.1))
        return (b * shade, g * shade, r * shade)

    return PersonStyle(
        height=float(rng.uniform(1.15, 1.4) if child else np.clip(rng.normal(1.72, 0.08), 1.5, 1.95)),
        girth=float(rng.uniform(0.85, 1.3)),
        skin=pick(SKINS),
        hair=pick(HAIRS),
        top=pick(CLOTHES),
        legs=pick(TROUSERS),
        skirt=bool(rng.random() < 0.18),
        bag=bool(rng.random() < 0.35),
        hat=bool(rng.random() < 0.2),
        child=child,
    )


def pedestrian_mesh(style: PersonStyle, phase: float, stride: float) -> Mesh:
    """The person at one point of the walking cycle.

    Args:
        style: Looks.
        phase: Walking cycle in radians.
        stride: 0 for somebody who stands, 1 for a full step.
    """
    builder = MeshBuilder()
    h, g = style.height, style.girth
    hip, shoulder = 0.53 * h, 0.81 * h
    swing = 0.45 * stride * float(np.sin(phase))
    bob = 0.012 * h * stride * float(np.cos(2.0 * phase))
    legs, skin = _warm(style.legs, 0.62), _warm(style.skin, 0.95)
    top = _warm(style.top, 0.68)
    shoe = Look(albedo=(0.06, 0.06, 0.07), heat=0.5)
    builder.begin()
    for side, angle in ((1.0, swing), (-1.0, -swing)):
        y = side * 0.052 * h
        bend = 0.5 * stride * max(0.0, float(np.cos(phase)) * side)
        knee = (0.25 * h * float(np.sin(angle)), y, hip - 0.25 * h * float(np.cos(angle)) + bob)
        shank = angle - bend
        foot = (knee[0] + 0.245 * h * float(np.sin(shank)), y, max(0.04, knee[2] - 0.245 * h * float(np.cos(shank))))
        builder.capsule((0.0, y, hip + bob), knee, 0.045 * h * g, legs, end_radius=0.034 * h * g)
        builder.capsule(knee, foot, 0.034 * h * g, skin if style.skirt else legs, end_radius=0.024 * h)
        builder.capsule((foot[0] - 0.01, y, 0.045), (foot[0] + 0.085 * h, y, 0.04), 0.026 * h, shoe)
    if style.skirt:
        builder.capsule(
            (0.0, 0.0, hip + 0.02 * h), (0.0, 0.0, hip - 0.18 * h), 0.085 * h * g, legs, end_radius=0.115 * h
        )
    builder.capsule((0.0, 0.03 * h, hip + 0.02 * h + bob), (0.01, -0.03 * h, hip + 0.02 * h + bob), 0.075 * h * g, legs)
    chest = shoulder - 0.06 * h + bob
    builder.capsule((0.0, 0.0, hip + 0.09 * h), (0.015, 0.0, chest), 0.078 * h * g, top, end_radius=0.085 * h * g)
    builder.capsule((0.01, 0.065 * h, chest + 0.02 * h), (0.01, -0.065 * h, chest + 0.02 * h), 0.05 * h * g, top)
    for side, angle in ((1.0, -swing * 0.9), (-1.0, swing * 0.9)):
        y = side * (0.115 * h * (0.5 + 0.5 * g) + 0.01)
        elbow = (0.17 * h * float(np.sin(angle)), y + side * 0.015, chest - 0.16 * h)
        hand = (elbow[0] + 0.15 * h * float(np.sin(angle + 0.35)), y, elbow[2] - 0.14 * h)
        builder.capsule((0.01, y * 0.9, chest + 0.015 * h), elbow, 0.032 * h * g, top, end_radius=0.026 * h)
        builder.capsule(elbow, hand, 0.026 * h, top.shade(0.9), end_radius=0.018 * h)
        builder.capsule(hand, (hand[0], hand[1], hand[2] - 0.03), 0.02 * h, skin)
    _head(builder, style, (0.02, 0.0, 0.925 * h + bob), skin)
    if style.bag:
        look = Look(albedo=(style.legs[2], style.legs[0], style.legs[1]), heat=0.4)
        builder.capsule((-0.1 * h, 0.0, chest - 0.16 * h), (-0.1 * h, 0.0, chest - 0.01 * h), 0.075 * h, look)
    return builder.build()


def _head(builder: MeshBuilder, style: PersonStyle, centre: Point, skin: Look) -> None:
    h = 1.0 if not style.child else 0.92
    x, y, z = centre
    radius = 0.105 * h
    hair = Look(albedo=style.top if style.hat else style.hair, heat=0.7)
    builder.capsule((x - 0.01, y, z - 0.16), (x, y, z - 0.06), 0.055, skin)
    builder.begin(group=0, at=(x, y, z))
    builder.capsule((x, y, z - 0.035), (x + 0.012, y, z + 0.015), radius * 0.88, skin)
    builder.capsule((x - 0.035, y, z - 0.01), (x - 0.01, y, z + 0.035), radius, hair, layer=1)
    builder.begin(group=1, at=(x + 0.05, y, z))
    builder.begin()


def person_on_bike(builder: MeshBuilder, style: PersonStyle, phase: float) -> None:
    """The rider of a bicycle whose bottom bracket is at the origin's x and 0.28 m up."""
    legs, skin, top = _warm(style.legs, 0.62), _warm(style.skin, 0.95), _warm(style.top, 0.68)
    hip: Point = (-0.20, 0.0, 0.98)
    builder.begin()
    for side in (1.0, -1.0):
        angle = phase + (0.0 if side > 0 else np.pi)
        foot = (0.17 * float(np.cos(angle)), side * 0.11, 0.30 + 0.17 * float(np.sin(angle)))
        knee = (foot[0] * 0.5 + 0.23, side * 0.11, 0.5 * (foot[2] + hip[2]) + 0.09)
        builder.capsule((hip[0], side * 0.09, hip[2]), knee, 0.082, legs, end_radius=0.06)
        builder.capsule(knee, foot, 0.058, legs, end_radius=0.042)
        builder.capsule(
            (foot[0] - 0.04, foot[1], foot[2] - 0.03),
            (foot[0] + 0.12, foot[1], foot[2] - 0.03),
            0.042,
            Look(albedo=(0.05, 0.05, 0.06)),
        )
    builder.capsule((hip[0], 0.06, hip[2]), (hip[0], -0.06, hip[2]), 0.115, legs)
    builder.capsule(
        (hip[0] + 0.02, 0.0, hip[2] + 0.1), (0.12, 0.0, 1.40), 0.13 * style.girth, top, end_radius=0.15 * style.girth
    )
    for side in (1.0, -1.0):
        builder.capsule((0.14, side * 0.17, 1.42), (0.30, side * 0.24, 1.18), 0.055, top)
        builder.capsule((0.30, side * 0.24, 1.18), (0.46, side * 0.22, 1.06), 0.045, skin)
    builder.capsule((0.16, 0.0, 1.48), (0.2, 0.0, 1.58), 0.055, skin)
    builder.begin(group=0, at=(0.22, 0.0, 1.66))
    builder.capsule((0.23, 0.0, 1.62), (0.24, 0.0, 1.67), 0.095, skin)
    helmet = Look(albedo=style.top if style.hat else style.hair, heat=0.5)
    builder.capsule((0.16, 0.0, 1.70), (0.25, 0.0, 1.72), 0.10, helmet, layer=1)


def cyclist_mesh(style: PersonStyle, frame: Colour, phase: float) -> Mesh:
    """A bicycle with its rider; wheels of 0.34 m, 1.05 m apart."""
    builder = MeshBuilder()
    metal = Look(albedo=frame, heat=0.3, gloss=0.1)
    tyre = Look(albedo=(0.05, 0.05, 0.05), heat=0.35)
    rim = Look(albedo=(0.5, 0.5, 0.52), heat=0.3)
    radius = 0.34
    angles = np.arange(13) * (2.0 * np.pi / 12.0)
    builder.begin(group=-1)
    for hub in (-0.52, 0.56):
        points = [(hub + radius * float(np.cos(a)), 0.0, radius + radius * float(np.sin(a))) for a in angles]
        for rim_start, rim_end in pairwise(points):
            builder.capsule(rim_start, rim_end, 0.028, tyre)
        for spoke in angles[:12:2]:
            reach = 0.3
            turn = float(spoke) + phase
            tip = (hub + reach * float(np.cos(turn)), 0.0, radius + reach * float(np.sin(turn)))
            builder.capsule((hub, 0.0, radius), tip, 0.006, rim)
    pipes: tuple[tuple[Point, Point], ...] = (
        ((-0.52, 0.0, 0.34), (0.0, 0.0, 0.30)), ((-0.52, 0.0, 0.34), (-0.18, 0.0, 0.82)),
        ((0.0, 0.0, 0.30), (-0.18, 0.0, 0.88)),
        ((0.0, 0.0, 0.30), (0.40, 0.0, 0.80)), ((-0.16, 0.0, 0.78), (0.40, 0.0, 0.84)),
        ((0.38, 0.0, 0.95), (0.56, 0.0, 0.34)),
        ((0.42, 0.25, 1.02), (0.42, -0.25, 1.02)),
    )  # fmt: skip
    for start, end in pipes:
        builder.capsule(start, end, 0.022, metal)
    builder.capsule((-0.28, 0.0, 0.90), (-0.08, 0.0, 0.90), 0.05, tyre)
    person_on_bike(builder, style, phase)
    return builder.build()


def _warm(colour: Colour, heat: float) -> Look:
    return Look(albedo=colour, heat=heat)
