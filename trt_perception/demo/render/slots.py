"""What the fourth channel of the canvas says about a pixel."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from trt_perception.demo.world.ground import DRIVABLE, Material

SKY = 0
SCENERY = 16
"""First of the slots for scenery; each stands for a distance."""
SCENERY_COUNT = 48
OBJECTS = SCENERY + SCENERY_COUNT
"""First of the slots for objects, nearest objects first."""
OBJECT_COUNT = 256 - OBJECTS
FAR_M = 400.0
_LOG_FAR = np.log1p(FAR_M)

MASK_TABLE: NDArray[np.uint8] = np.zeros(256, dtype=np.uint8)
"""Mask class of each slot."""
MASK_TABLE[list(DRIVABLE)] = 1
MASK_TABLE[Material.LANE_LINE] = 2

GROUND_TABLE: NDArray[np.uint8] = np.zeros(256, dtype=np.uint8)
"""255 for slots of the ground."""
GROUND_TABLE[[int(material) for material in Material]] = 255

MIRROR_TABLE: NDArray[np.uint8] = np.zeros(256, dtype=np.uint8)
"""How much of a mirror each slot of the ground becomes when wet, 0 to 255."""
MIRROR_TABLE[list(DRIVABLE)] = 255
MIRROR_TABLE[[Material.PAVEMENT, Material.KERB]] = 150
MIRROR_TABLE[Material.GRASS] = 25

BACKDROP_TABLE: NDArray[np.uint8] = np.zeros(256, dtype=np.uint8)
"""255 for slots of scenery."""
BACKDROP_TABLE[SCENERY:OBJECTS] = 255


def scenery_slots(distances: NDArray[np.float64]) -> NDArray[np.int64]:
    """Slots of scenery at distances (n,) in m, in steps that grow with the distance."""
    share = np.log1p(np.clip(distances, 0.0, FAR_M)) / _LOG_FAR
    slots: NDArray[np.int64] = SCENERY + np.minimum((share * SCENERY_COUNT).astype(np.int64), SCENERY_COUNT - 1)
    return slots


def distance_levels(distances: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Distances in m as levels 0 to 255, finer near by."""
    level: NDArray[np.uint8] = np.rint(255.0 * np.log1p(np.clip(distances, 0.0, FAR_M)) / _LOG_FAR).astype(np.uint8)
    return level


LEVEL_M: NDArray[np.float64] = np.expm1(np.arange(256) / 255.0 * _LOG_FAR)
"""Distance of each level in m."""
