"""One instant of a drive."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trt_perception.demo.condition import Condition
from trt_perception.demo.ground_truth import GroundTruth


@dataclass(frozen=True, kw_only=True, eq=False)
class DriveSample:
    """What all cameras saw at one instant, and what was really there.

    Args:
        index: Number of the instant in the drive.
        stamp_ns: Its time.
        condition: Light and weather.
        strength: 0 for the mildest form of the condition, 1 for the hardest.
        ego_pose: float64 (4, 4), body frame of the car to world frame in m.
        images: uint8 (h, w, 3) BGR for each camera.
        thermal: uint8 (h, w) for each camera, bright is warm; empty unless asked for.
        truth: Ground truth for each camera.
    """

    index: int
    stamp_ns: int
    condition: Condition
    strength: float
    ego_pose: NDArray[np.float64]
    images: Mapping[str, NDArray[np.uint8]]
    thermal: Mapping[str, NDArray[np.uint8]]
    truth: Mapping[str, GroundTruth]
