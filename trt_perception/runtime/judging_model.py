"""A model whose detections are judged by limits that may change while it runs."""

from __future__ import annotations

from trt_perception.model.model_spec import ModelSpec
from trt_perception.runtime.head_limits import head_limits
from trt_perception.runtime.open_and_close import OpenAndClose
from trt_perception.thresholds import Thresholds


class JudgingModel(OpenAndClose):
    """What pipelines on the host and on the GPU have in common.

    Args:
        spec: The model.
        thresholds: Limits of the detections. None: `Thresholds()`.

    Raises:
        ConfigError: `thresholds` name a label that no detection head has.
    """

    def __init__(self, spec: ModelSpec, thresholds: Thresholds | None) -> None:
        self._spec = spec
        self.thresholds = thresholds or Thresholds()

    @property
    def spec(self) -> ModelSpec:
        """The model."""
        return self._spec

    @property
    def thresholds(self) -> Thresholds:
        """Limits of the detections. A frame is judged by one set of limits throughout.

        Raises:
            ConfigError: On setting: `per_class` names a label that no detection head has; the old limits stay.
        """
        return self._limits[0]

    @thresholds.setter
    def thresholds(self, thresholds: Thresholds) -> None:
        # One assignment, so that other threads see the old limits or the new ones, never a mixture.
        self._limits = (thresholds, head_limits(thresholds, self._spec))
