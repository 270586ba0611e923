"""Street furniture: lamps, traffic lights, signs, bollards, bins, fences."""

from __future__ import annotations

import numpy as np

from trt_perception.demo.mesh.mesh import CORNERS, Glow, Mesh
from trt_perception.demo.mesh.mesh_builder import Look, MeshBuilder

_STEEL = Look(albedo=(0.42, 0.42, 0.42), heat=0.25)
_DARK = Look(albedo=(0.08, 0.08, 0.08), heat=0.25)


def lamp_mesh(*, height: float, reach: float) -> Mesh:
    """A street lamp whose arm points to -y."""
    builder = MeshBuilder()
    builder.begin()
    builder.capsule((0.0, 0.0, 0.0), (0.0, 0.0, height), 0.085, _STEEL, end_radius=0.05)
    builder.capsule((0.0, 0.0, height), (0.0, -reach, height + 0.25), 0.045, _STEEL)
    builder.begin(group=1, at=(0.0, -reach, height + 0.2))
    builder.box((-0.14, -reach - 0.4, height + 0.14), (0.14, -reach + 0.2, height + 0.28), _STEEL.shade(0.8))
    builder.capsule((0.0, -reach - 0.3, height + 0.12), (0.0, -reach + 0.1, height + 0.12), 0.085,
                    Look(albedo=(0.75, 0.8, 0.8), glow=Glow.LAMP, heat=0.5))  # fmt: skip
    return builder.build()


def signal_mesh(rng: np.random.Generator) -> Mesh:
    """A traffic light that faces -x (towards those who come along +x)."""
    builder = MeshBuilder()
    builder.begin()
    builder.capsule((0.0, 0.0, 0.0), (0.0, 0.0, 3.3), 0.06, _STEEL.shade(0.6))
    builder.begin(group=1, at=(0.0, 0.0, 2.9))
    builder.box((-0.14, -0.18, 2.35), (0.12, 0.18, 3.35), _DARK)
    lit = int(rng.integers(3))
    for i, colour in enumerate(((0.05, 0.05, 0.9), (0.05, 0.6, 0.95), (0.35, 0.8, 0.1))):
        z = 3.17 - 0.32 * i
        look = Look(albedo=colour, glow=Glow.INDICATOR, heat=0.4) if i == lit else Look(albedo=colour).shade(0.16)
        angles = np.arange(CORNERS) * (-2.0 * np.pi / CORNERS)
        points = [(-0.15, 0.115 * float(np.cos(a)), z + 0.115 * float(np.sin(a))) for a in angles]
        builder.polygon(points, look, layer=1)
    return builder.build()


def sign_mesh(rng: np.random.Generator) -> Mesh:
    """A round, square or triangular road sign that faces -x."""
    builder = MeshBuilder()
    builder.begin()
    builder.capsule((0.0, 0.0, 0.0), (0.0, 0.0, 2.5), 0.035, _STEEL)
    builder.begin(group=1, at=(-0.1, 0.0, 2.4))
    corners = int(rng.choice([3, 4, 12]))
    red, white, blue = (0.10, 0.10, 0.75), (0.88, 0.88, 0.88), (0.62, 0.28, 0.08)
    rim, field = (red, white) if corners != 4 else (white, blue)
    turn = {3: np.pi / 2.0, 4: np.pi / 4.0, 12: 0.0}[corners]
    for radius, colour, x in ((0.36, rim, -0.05), (0.28, field, -0.056)):
        angles = turn - np.arange(corners) * (2.0 * np.pi / corners)
        points = [(x, radius * float(np.cos(a)), 2.4 + radius * float(np.sin(a))) for a in angles]
        builder.polygon(points, Look(albedo=colour, heat=0.25), layer=1 if radius > 0.3 else 2)
    z = 2.4
    builder.polygon(
        [(-0.06, 0.12, z - 0.05), (-0.06, 0.12, z + 0.04), (-0.06, -0.12, z + 0.04), (-0.06, -0.12, z - 0.05)],
        _DARK,
        layer=3,
    )
    return builder.build()


def bin_mesh(rng: np.random.Generator) -> Mesh:
    """A litter bin, a bollard, a post box or a street cabinet."""
    builder = MeshBuilder()
    builder.begin(group=0, at=(0.0, 0.0, 0.5))
    style = int(rng.integers(4))
    if style == 0:
        builder.box((-0.25, -0.25, 0.0), (0.25, 0.25, 0.95), Look(albedo=(0.15, 0.28, 0.12)), roof=_DARK)
    elif style == 1:
        builder.capsule((0.0, 0.0, 0.0), (0.0, 0.0, 0.85), 0.09, _DARK.shade(2.0))
    elif style == 2:
        builder.box((-0.22, -0.2, 0.35), (0.22, 0.2, 1.3), Look(albedo=(0.06, 0.62, 0.85)))
        builder.capsule((0.0, 0.0, 0.0), (0.0, 0.0, 0.4), 0.05, _STEEL)
    else:
        builder.box((-0.6, -0.2, 0.0), (0.6, 0.2, 1.25), Look(albedo=(0.50, 0.54, 0.52), heat=0.35))
    return builder.build()


def fence_mesh(rng: np.random.Generator, *, length: float) -> Mesh:
    """A fence, a low wall or a guard rail along x."""
    builder = MeshBuilder()
    half = length / 2.0
    style = int(rng.integers(3))
    if style == 0:
        builder.begin(group=0, at=(0.0, 0.0, 0.5))
        builder.box(
            (-half, -0.12, 0.0),
            (half, 0.12, 0.9),
            Look(albedo=(0.38, 0.44, 0.52)),
            roof=Look(albedo=(0.55, 0.56, 0.56)),
        )
        return builder.build()
    wood = Look(albedo=(0.30, 0.42, 0.54)) if style == 1 else _STEEL
    builder.begin()
    for x in np.arange(-half, half + 0.1, 2.0):
        builder.capsule((float(x), 0.0, 0.0), (float(x), 0.0, 0.95), 0.05, wood)
    rails = (0.45, 0.85) if style == 1 else (0.6, 0.72)
    for z in rails:
        builder.begin(group=1, at=(0.0, -0.05, z))
        builder.box((-half, -0.06, z - 0.07), (half, -0.02, z + 0.07), wood.shade(1.1))
    return builder.build()
