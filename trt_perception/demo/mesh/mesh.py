"""A shape: polygons and capsules with their looks, in its own frame (x forward, y left, z up, metres)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

CORNERS = 12
"""Corners of a drawn polygon at most; shorter faces repeat their last corner."""

Array = NDArray[np.float64]
IntArray = NDArray[np.int32]


class Kind(IntEnum):
    """How a face becomes a polygon in the picture."""

    POLYGON = 0
    """Flat and convex, seen from the side its normal points to."""
    SHEET = 1
    """Flat and convex, seen from both sides."""
    CAPSULE = 2
    """Two balls and what lies between them: limbs, heads, pipes. Vertex 0 and 1 are the centres."""
    LEAVES = 3
    """A ball with a ragged outline."""
    SHEEN = 4
    """The lit part of a capsule, a little towards the light."""


class Glow(IntEnum):
    """What makes a face shine by itself."""

    NONE = 0
    HEADLIGHT = 1
    TAIL_LIGHT = 2
    WINDOW = 3
    LAMP = 4
    INDICATOR = 5
    SIGN = 6


@dataclass(frozen=True, kw_only=True, eq=False)
class Mesh:
    """V vertices and F faces.

    Args:
        vertices: float64 (V, 3) in m.
        faces: int32 (F, CORNERS), indices of vertices.
        kinds: int32 (F,), Kind.
        normals: float64 (F, 3), unit, outward; zero for capsules.
        radii: float64 (F, 2), radius of capsules at vertex 0 and 1 in m.
        albedo: float64 (F, 3), BGR, 0 to 1.
        groups: int32 (F,), faces of a higher group are drawn later, whatever their distance.
        anchors: int32 (F,), vertex whose distance orders the face within its group: one for each convex part.
        layers: int32 (F,), within a part, higher is drawn later: paint on a surface, sheen on a limb.
        glows: int32 (F,), Glow.
        heat: float64 (F,), 0 cold to 1 hot, for the thermal picture.
        gloss: float64 (F,), share of the sky that the face mirrors.
    """

    vertices: Array
    faces: IntArray
    kinds: IntArray
    normals: Array
    radii: Array
    albedo: Array
    groups: IntArray
    anchors: IntArray
    layers: IntArray
    glows: IntArray
    heat: Array
    gloss: Array
