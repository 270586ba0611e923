"""A model's description, whether it is given as YAML, as ONNX or as an engine."""

from __future__ import annotations

from pathlib import Path

from trt_perception.engine.manifest import engine_spec
from trt_perception.model.load_spec import load_spec
from trt_perception.model.model_spec import ModelSpec

ENGINE_SUFFIX = ".engine"
"""By which engines are told from models."""


def any_spec(path: Path) -> ModelSpec:
    """The spec of an engine out of its manifest, of everything else as `load_spec` finds it.

    Raises:
        EngineError: The engine or its manifest is absent, or the manifest is damaged.
        InputError: As `load_spec`.
        MissingError: As `load_spec`.
    """
    return engine_spec(path) if path.suffix == ENGINE_SUFFIX else load_spec(path)
