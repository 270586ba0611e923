"""The limits that decide which candidates become detections. They may change while the pipeline runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from trt_perception.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class Thresholds:
    """Limits of one pipeline's detections.

    Args:
        score: Lowest score of a detection, 0 to 1.
        per_class: Lowest score by label, for labels that differ from `score`.
        nms_iou: Boxes of one class that overlap more than this are one object, 0 to 1.
        max_detections: Most detections of one image, best scores first.

    Raises:
        ConfigError: A value is out of range.
    """

    score: float = 0.3
    per_class: Mapping[str, float] = field(default_factory=dict)
    nms_iou: float = 0.45
    max_detections: int = 300

    def __post_init__(self) -> None:
        ratios = {"score": self.score, "nms_iou": self.nms_iou}
        ratios.update({f"per_class.{label}": value for label, value in self.per_class.items()})
        for name, value in ratios.items():
            if not 0.0 <= value <= 1.0:
                raise ConfigError(f"thresholds.{name}", f"expected a number from 0 to 1, got {value!r}")
        if self.max_detections < 1:
            raise ConfigError("thresholds.max_detections", f"expected at least 1, got {self.max_detections}")

    def by_class(self, labels: tuple[str, ...]) -> NDArray[np.float32]:
        """Lowest score of each class: float32 (len(labels),).

        Raises:
            ConfigError: `per_class` names a label that is not among `labels`.
        """
        unknown = sorted(set(self.per_class) - set(labels))
        if unknown:
            raise ConfigError(
                f"thresholds.per_class.{unknown[0]}", "the model has no such label", f"it has {', '.join(labels)}"
            )
        return np.array([self.per_class.get(label, self.score) for label in labels], np.float32)
