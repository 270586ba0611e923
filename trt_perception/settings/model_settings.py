"""Where one model is, and how it is executed."""

from __future__ import annotations

from dataclasses import dataclass

from trt_perception.engine.any_spec import ENGINE_SUFFIX
from trt_perception.options.option import option
from trt_perception.settings.engine_settings import EngineSettings


@dataclass(frozen=True, kw_only=True)
class ModelSettings:
    """One model of the config."""

    name: str = option(description="Name by which pipelines refer to the model.")
    spec: str = option(
        description="The model's YAML (made by `trt-perception inspect MODEL.onnx --write`), the ONNX itself, or an "
        "engine with its manifest; relative to the config file."
    )
    engine: EngineSettings = option(EngineSettings(), description="Its TensorRT engine.")

    @property
    def is_engine(self) -> bool:
        """Whether the model is given as an engine alone, of which nothing can be built."""
        return self.spec.endswith(ENGINE_SUFFIX)
