"""Trees, conifers, bushes and hedges from clumps of leaves."""

from __future__ import annotations

import numpy as np

from trt_perception.demo.mesh.mesh import Mesh
from trt_perception.demo.mesh.mesh_builder import Look, MeshBuilder

_GREENS: tuple[tuple[float, float, float], ...] = (
    (0.10, 0.34, 0.20), (0.12, 0.40, 0.28), (0.08, 0.28, 0.14),
    (0.14, 0.44, 0.36), (0.10, 0.36, 0.44), (0.12, 0.30, 0.50),
)  # fmt: skip
_BARK = Look(albedo=(0.14, 0.20, 0.27), heat=0.3)


def tree_mesh(rng: np.random.Generator) -> Mesh:
    """A broad-leaved tree."""
    height = float(rng.uniform(4.5, 9.5))
    crown = height * float(rng.uniform(0.24, 0.36))
    centre_z = height - crown * 1.05
    builder = MeshBuilder()
    builder.begin(group=-1)
    lean = float(rng.uniform(-0.2, 0.2))
    builder.capsule((0.0, 0.0, 0.0), (lean, 0.0, centre_z), 0.035 * height, _BARK, end_radius=0.02 * height)
    _crown(builder, rng, (lean, 0.0, centre_z), crown, 1.1, 60, _green(rng))
    return builder.build()


def conifer_mesh(rng: np.random.Generator) -> Mesh:
    """A fir."""
    height = float(rng.uniform(5.0, 12.0))
    green = (0.09, float(rng.uniform(0.20, 0.27)), 0.11)
    builder = MeshBuilder()
    builder.begin(group=-1)
    builder.capsule((0.0, 0.0, 0.0), (0.0, 0.0, height * 0.3), 0.02 * height, _BARK)
    builder.begin()
    # Whorls of branches, closer together towards the top.
    for level in 1.0 - 0.86 * np.linspace(1.0, 0.04, 11) ** 1.4:
        reach = (1.0 - float(level)) * height * 0.22
        for turn in np.arange(5) * (2.0 * np.pi / 5.0) + float(level) * 7.0:
            x, y = reach * float(np.cos(turn)), reach * float(np.sin(turn))
            normal = np.array([np.cos(turn), np.sin(turn), 0.7])
            look = Look(albedo=green, heat=0.27).shade(float(rng.uniform(0.8, 1.2)))
            builder.leaves(
                (x, y, float(level) * height),
                reach * 0.55 + 0.02 * height,
                look,
                normal=normal / np.linalg.norm(normal),
            )
    return builder.build()


def bush_mesh(rng: np.random.Generator) -> Mesh:
    """A bush."""
    size = float(rng.uniform(0.5, 1.1))
    builder = MeshBuilder()
    _crown(builder, rng, (0.0, 0.0, size * 0.75), size * 0.8, 0.9, 16, _green(rng))
    return builder.build()


def hedge_mesh(rng: np.random.Generator, *, length: float) -> Mesh:
    """A clipped hedge along x."""
    height = float(rng.uniform(0.8, 1.7))
    green = _green(rng)
    builder = MeshBuilder()
    builder.begin(group=0, at=(0.0, 0.0, height / 2.0))
    builder.box((-length / 2.0, -0.4, 0.0), (length / 2.0, 0.4, height), Look(albedo=green, heat=0.27).shade(0.8))
    builder.begin(group=1)
    for x in np.arange(-length / 2.0, length / 2.0, 0.7):
        look = Look(albedo=green, heat=0.27).shade(float(rng.uniform(0.75, 1.15)))
        builder.leaves((float(x), float(rng.uniform(-0.25, 0.25)), height - 0.1), 0.42, look)
    return builder.build()


def _green(rng: np.random.Generator) -> tuple[float, float, float]:
    b, g, r = _GREENS[int(rng.choice(len(_GREENS), p=[0.28, 0.24, 0.22, 0.14, 0.07, 0.05]))]
    shade = float(rng.uniform(0.8, 1.15))
    return (b * shade, g * shade, r * shade)


def _crown(
    builder: MeshBuilder,
    rng: np.random.Generator,
    centre: tuple[float, float, float],
    radius: float,
    tall: float,
    count: int,
    green: tuple[float, float, float],
) -> None:
    """Clumps over a ball: dark ones within, lit ones outside."""
    look = Look(albedo=green, heat=0.27)
    builder.begin(group=0, at=centre)
    builder.leaves(centre, radius * 0.9, look.shade(0.55))
    directions = rng.normal(size=(count, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    builder.begin(group=0)
    for direction in directions:
        reach = radius * float(rng.uniform(0.55, 0.95))
        position = [
            centre[0] + reach * direction[0],
            centre[1] + reach * direction[1],
            centre[2] + tall * reach * direction[2],
        ]
        builder.leaves(
            position,
            radius * float(rng.uniform(0.18, 0.32)),
            look.shade(float(rng.uniform(0.75, 1.25))),
            normal=direction,
        )
