"""Which objects of the ground truth are evaluated: stated here and nowhere else."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trt_perception.demo.ground_truth import GroundTruth
from trt_perception.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class IgnoreRule:
    """The objects that a detector must find.

    The others are ignored: missing one is no miss, finding one is no false alarm.

    Args:
        min_side_px: Shorter side of the box at least. Default: 12 px.
        min_visible_fraction: Visible share of the silhouette at least. Default: 0.35.
        max_truncation: Share of the box outside the image at most. Default: 0.6.
    """

    min_side_px: float = 12.0
    min_visible_fraction: float = 0.35
    max_truncation: float = 0.6

    def __post_init__(self) -> None:
        _check("min_side_px", self.min_side_px, 0.0, 1e6)
        _check("min_visible_fraction", self.min_visible_fraction, 0.0, 1.0)
        _check("max_truncation", self.max_truncation, 0.0, 1.0)

    @property
    def sentence(self) -> str:
        """The rule in words."""
        return (
            f"Evaluated objects have a shorter side of at least {self.min_side_px:g} px, are visible to at least "
            f"{self.min_visible_fraction:.0%} and lie outside the image to at most {self.max_truncation:.0%}."
        )

    def evaluated(self, truth: GroundTruth) -> NDArray[np.bool_]:
        """bool (n,): which objects of `truth` are evaluated."""
        sides = truth.boxes[:, 2:] - truth.boxes[:, :2]
        large: NDArray[np.bool_] = sides.min(axis=1, initial=np.inf) >= self.min_side_px
        return large & (truth.visible_fraction >= self.min_visible_fraction) & (truth.truncation <= self.max_truncation)


def _check(name: str, value: object, low: float, high: float) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
        raise ConfigError(f"IgnoreRule.{name}", f"expected a number from {low:g} to {high:g}, got {value!r}")
