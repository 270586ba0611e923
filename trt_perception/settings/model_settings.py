"""Where one model is, and how it is executed."""

from __future__ import annotations

from dataclasses import dataclass

from trt_perception.options.option import option


@dataclass(frozen=True, kw_only=True)
class ModelSettings:
    """One model of the config."""

    name: str = option(description="Name by which pipelines refer to the model.")
    spec: str = option(
        description="The model's YAML (made by `trt-perception inspect MODEL.onnx --write`), or the ONNX itself; "
        "relative to the config file."
    )
