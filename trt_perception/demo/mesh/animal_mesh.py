"""Dogs, deer, sheep, cows and horses: one four-legged body in five builds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trt_perception.demo.mesh.mesh import Mesh
from trt_perception.demo.mesh.mesh_builder import Look, MeshBuilder

Colour = tuple[float, float, float]


@dataclass(frozen=True, kw_only=True)
class AnimalStyle:
    """One animal. Sizes in m; shares are of the height at the shoulder."""

    shoulder: float
    length: float
    girth: float
    leg: float
    neck: float
    head: float
    coat: Colour
    belly: Colour
    antlers: bool
    woolly: bool


_COATS: dict[str, tuple[Colour, ...]] = {
    "dog": ((0.10, 0.20, 0.34), (0.06, 0.06, 0.07), (0.42, 0.58, 0.70), (0.75, 0.78, 0.80), (0.20, 0.36, 0.55)),
    "deer": ((0.18, 0.32, 0.50), (0.14, 0.25, 0.40)),
    "sheep": ((0.74, 0.80, 0.82), (0.62, 0.68, 0.70)),
    "cow": ((0.08, 0.14, 0.30), (0.08, 0.08, 0.09), (0.78, 0.80, 0.80), (0.30, 0.42, 0.52)),
    "horse": ((0.08, 0.16, 0.32), (0.05, 0.06, 0.08), (0.68, 0.70, 0.70), (0.16, 0.30, 0.48)),
}
# shoulder height low and high, length, girth, leg, neck, head
_BUILDS: dict[str, tuple[float, float, float, float, float, float, float]] = {
    "dog": (0.48, 0.75, 1.05, 0.17, 0.52, 0.28, 0.20),
    "deer": (0.95, 1.25, 1.00, 0.17, 0.58, 0.42, 0.13),
    "sheep": (0.65, 0.80, 1.15, 0.27, 0.40, 0.14, 0.17),
    "cow": (1.30, 1.50, 1.25, 0.26, 0.45, 0.14, 0.16),
    "horse": (1.45, 1.70, 1.05, 0.20, 0.55, 0.42, 0.15),
}
SPECIES = tuple(_BUILDS)


def animal_style(rng: np.random.Generator, species: str) -> AnimalStyle:
    """A random animal of a species out of SPECIES."""
    low, high, length, girth, leg, neck, head = _BUILDS[species]
    coats = _COATS[species]
    b, g, r = coats[int(rng.integers(len(coats)))]
    shade = float(rng.uniform(0.85, 1.15))
    patchy = species == "cow" and rng.random() < 0.6
    belly = (0.8, 0.82, 0.82) if patchy else (min(1.0, b * 1.3), min(1.0, g * 1.3), min(1.0, r * 1.3))
    return AnimalStyle(
        shoulder=float(rng.uniform(low, high)),
        length=length * float(rng.uniform(0.93, 1.07)),
        girth=girth * float(rng.uniform(0.9, 1.12)),
        leg=leg,
        neck=neck,
        head=head,
        coat=(b * shade, g * shade, r * shade),
        belly=belly,
        antlers=species == "deer" and bool(rng.random() < 0.5),
        woolly=species == "sheep",
    )


def animal_mesh(style: AnimalStyle, phase: float, stride: float) -> Mesh:
    """The animal at one point of its gait; `stride` 0 stands, 1 walks."""
    builder = MeshBuilder()
    h = style.shoulder
    coat, belly = Look(albedo=style.coat, heat=0.85), Look(albedo=style.belly, heat=0.88)
    radius = style.girth * h
    half = style.length * h / 2.0 - radius * 0.55
    back = h - radius
    builder.begin()
    for x, side, offset in ((half, 1.0, 0.0), (half, -1.0, np.pi), (-half, 1.0, np.pi), (-half, -1.0, 0.0)):
        angle = 0.4 * stride * float(np.sin(phase + offset))
        leg = style.leg * h + radius * 0.5
        knee = (x + 0.5 * leg * float(np.sin(angle)), side * radius * 0.55, back - radius * 0.2 - 0.5 * leg)
        foot = (x + leg * float(np.sin(angle * 1.2)), side * radius * 0.55, 0.03 * h)
        builder.capsule(
            (x, side * radius * 0.5, back - radius * 0.2), knee, 0.07 * h, coat.shade(0.9), end_radius=0.045 * h
        )
        builder.capsule(knee, foot, 0.04 * h, coat.shade(0.7), end_radius=0.032 * h)
    builder.begin(group=0, at=(0.0, 0.0, back))
    builder.capsule((-half, 0.0, back), (half, 0.0, back), radius * 0.95, coat, end_radius=radius)
    builder.capsule(
        (-half * 0.5, 0.0, back - radius * 0.35), (half * 0.6, 0.0, back - radius * 0.35), radius * 0.62, belly, layer=1
    )
    if style.woolly:
        for i, x in enumerate(np.linspace(-half, half, 5)):
            builder.leaves(
                (float(x), 0.0, back + 0.1 * radius * (i % 2)),
                radius * 1.08,
                coat.shade(0.95 + 0.05 * (i % 2)),
                layer=2,
            )
    nod = 0.04 * h * stride * float(np.sin(2.0 * phase))
    neck_end = (half + radius * 0.6 + 0.55 * style.neck * h, 0.0, h - radius * 0.4 + 0.85 * style.neck * h + nod)
    builder.begin()
    builder.capsule(
        (half + radius * 0.3, 0.0, h - radius * 0.7), neck_end, radius * 0.6, coat, end_radius=style.head * h * 0.5
    )
    head = style.head * h
    muzzle = (neck_end[0] + head * 1.35, 0.0, neck_end[2] - head * 0.55)
    builder.begin(group=0, at=neck_end)
    builder.capsule(
        neck_end, muzzle, head * 0.58, coat.shade(0.9 if style.woolly else 1.05), end_radius=head * 0.33, layer=1
    )
    builder.capsule(muzzle, (muzzle[0] + 0.1 * head, 0.0, muzzle[2]), head * 0.27, coat.shade(0.45), layer=2)
    for side in (1.0, -1.0):
        ear = (neck_end[0] - head * 0.1, side * head * 0.75, neck_end[2] + head * 0.75)
        builder.capsule(
            (neck_end[0], side * head * 0.3, neck_end[2] + head * 0.35),
            ear,
            head * 0.2,
            coat.shade(0.8),
            end_radius=head * 0.08,
            layer=2,
        )
        if style.antlers:
            fork = (neck_end[0] - 0.1 * h, side * 0.16 * h, neck_end[2] + 0.3 * h)
            horn = Look(albedo=(0.35, 0.45, 0.52), heat=0.4)
            builder.capsule((neck_end[0], side * head * 0.25, neck_end[2] + head * 0.4), fork, 0.018 * h, horn, layer=3)
            builder.capsule(fork, (fork[0] + 0.12 * h, side * 0.22 * h, fork[2] + 0.16 * h), 0.014 * h, horn, layer=3)
            builder.capsule(fork, (fork[0] - 0.1 * h, side * 0.2 * h, fork[2] + 0.14 * h), 0.014 * h, horn, layer=3)
    builder.begin()
    tail = (-half - radius * 1.3, 0.0, back + radius * (0.9 if style.shoulder < 0.8 and not style.woolly else -0.7))
    builder.capsule(
        (-half - radius * 0.75, 0.0, back + radius * 0.35), tail, 0.045 * h, coat.shade(0.85), end_radius=0.03 * h
    )
    return builder.build()
