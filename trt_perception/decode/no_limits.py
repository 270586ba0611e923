"""Heads that no threshold concerns."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from trt_perception.thresholds import Thresholds


class NoLimits:
    """The part of `HeadKernels` that is about limits, of heads that give masks."""

    @property
    def limits_bytes(self) -> int:
        """There are none."""
        return 0

    def limits(self, thresholds: Thresholds) -> NDArray[np.uint8]:
        """Nothing: uint8 (0,)."""
        return np.empty(0, np.uint8)
