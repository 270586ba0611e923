"""One pipeline of the config, on all its cameras."""

from __future__ import annotations

from collections.abc import Sequence

from trt_perception.model.model_spec import ModelSpec
from trt_perception.ros.lane import Processor
from trt_perception.runtime.gpu_pipeline import GpuPipeline
from trt_perception.runtime.pipeline import Pipeline
from trt_perception.thresholds import Thresholds


class PipelineGroup:
    """What computes for one pipeline: on the host one for all its cameras, on the GPU one for each.

    Args:
        processors: By camera; all of the same model and with the same thresholds.
    """

    def __init__(self, processors: dict[str, Pipeline] | dict[str, GpuPipeline]) -> None:
        self._processors = processors

    @property
    def spec(self) -> ModelSpec:
        """The model."""
        return self._all[0].spec

    @property
    def thresholds(self) -> Thresholds:
        """Limits of the detections, of all cameras.

        Raises:
            ConfigError: On setting: `per_class` names a label that no detection head has; the old limits stay.
        """
        return self._all[0].thresholds

    @thresholds.setter
    def thresholds(self, thresholds: Thresholds) -> None:
        for processor in self._all:  # of one model: if one refuses, the first does
            processor.thresholds = thresholds

    def processor(self, camera: str) -> Processor:
        """What computes for that camera."""
        return self._processors[camera]

    @property
    def _all(self) -> Sequence[Pipeline | GpuPipeline]:
        return list(self._processors.values())
