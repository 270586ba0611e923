"""Traffic cones with reflecting bands."""

from __future__ import annotations

import numpy as np

from trt_perception.demo.mesh.mesh import Mesh
from trt_perception.demo.mesh.mesh_builder import Look, MeshBuilder


def cone_mesh(rng: np.random.Generator) -> tuple[Mesh, tuple[float, float, float]]:
    """A cone and its length, width and height in m."""
    height = float(rng.uniform(0.7, 1.0))
    foot = height * 0.52
    orange = Look(albedo=(0.04, float(rng.uniform(0.22, 0.36)), float(rng.uniform(0.85, 1.0))), heat=0.25)
    white = Look(albedo=(0.92, 0.92, 0.92), heat=0.25)
    dark = Look(albedo=(0.08, 0.09, 0.10), heat=0.25) if rng.random() < 0.5 else orange.shade(0.7)
    builder = MeshBuilder()
    builder.begin(group=0, at=(0.0, 0.0, 0.0))
    builder.box((-foot / 2, -foot / 2, 0.0), (foot / 2, foot / 2, 0.045), dark)
    levels = (0.045, 0.33 * height, 0.50 * height, 0.64 * height, 0.80 * height, height)
    looks = (orange, white, orange, white, orange)
    angles = np.arange(10) * (2.0 * np.pi / 10.0)
    builder.begin(group=1, at=(0.0, 0.0, height / 2))

    def radius(z: float) -> float:
        return 0.19 * height * (1.0 - z / height) + 0.025

    for low, high, look in zip(levels[:-1], levels[1:], looks, strict=True):
        for a, b in zip(angles, np.roll(angles, -1), strict=True):
            ca, sa, cb, sb = (float(f(v)) for v in (a, b) for f in (np.cos, np.sin))
            r0, r1 = radius(low), radius(high)
            builder.polygon(
                [(r0 * ca, r0 * sa, low), (r0 * cb, r0 * sb, low), (r1 * cb, r1 * sb, high), (r1 * ca, r1 * sa, high)],
                look,
            )
    return builder.build(), (foot, foot, height)
