"""Where one model is, and how it is executed."""

from __future__ import annotations

from dataclasses import dataclass

from trt_perception.engine.any_spec import ENGINE_SUFFIX
from trt_perception.errors import ConfigError
from trt_perception.options.option import option
from trt_perception.settings.engine_settings import EngineSettings


@dataclass(frozen=True, kw_only=True)
class ModelSettings:
    """One model of the config.

    Raises:
        ConfigError: Two engines: as the model, and beside it.
    """

    name: str = option(description="Name by which pipelines refer to the model.")
    spec: str = option(
        description="The model's YAML (made by `trt-perception inspect MODEL.onnx --write`), the ONNX itself, or an "
        "engine with its manifest; relative to the config file."
    )
    engine: EngineSettings = option(EngineSettings(), description="Its TensorRT engine.")

    def __post_init__(self) -> None:
        if self.is_engine and self.engine.file:
            raise ConfigError(
                "engine.file", f"expected none where spec is an engine ({self.spec}), got {self.engine.file!r}"
            )

    @property
    def is_engine(self) -> bool:
        """Whether the model is given as an engine alone, of which nothing can be built."""
        return self.spec.endswith(ENGINE_SUFFIX)
