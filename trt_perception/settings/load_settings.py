"""The config file becomes checked settings."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from trt_perception.errors import ConfigError
from trt_perception.model.load_spec import YAML_SUFFIXES
from trt_perception.model.paths import absolute, is_file
from trt_perception.options.from_mapping import from_mapping
from trt_perception.options.read_yaml import read_yaml
from trt_perception.settings.engine_settings import EngineSettings
from trt_perception.settings.perception_settings import PerceptionSettings


def load_settings(path: Path) -> PerceptionSettings:
    """Read and check a config file; paths in it become absolute, relative ones counted from the file's folder.

    Raises:
        ConfigError: The file is absent or not YAML, or a setting is wrong; names file, path, value and, for an
            unknown key, the nearest valid one.
    """
    path = path.expanduser().absolute()
    settings = from_mapping(PerceptionSettings, read_yaml(path), where=path.name)
    models = tuple(
        dataclasses.replace(
            model,
            spec=str(_existing(path, model.spec, f"{path.name}: models[{index}].spec")),
            engine=_absolute(model.engine, path.parent),
        )
        for index, model in enumerate(settings.models)
    )
    return dataclasses.replace(settings, models=models)


def _existing(config: Path, name: str, where: str) -> Path:
    try:
        spec = absolute(name, folder=config.parent)
    except ConfigError as error:
        raise ConfigError(where, str(error)) from error
    if not is_file(spec):
        raise ConfigError(where, f"no file {spec}", "give the model's YAML or ONNX, relative to the config file")
    return spec


def _absolute(engine: EngineSettings, folder: Path) -> EngineSettings:
    """With the config's folder before every relative path. Whether the files are there is seen where they are used."""

    def moved(name: str) -> str:
        return str(absolute(name, folder=folder)) if name else ""

    builder = dataclasses.replace(
        engine.builder,
        plugins=tuple(map(moved, engine.builder.plugins)),
        timing_cache=moved(engine.builder.timing_cache),
    )
    return dataclasses.replace(
        engine,
        file=moved(engine.file),
        plan=moved(engine.plan) if engine.plan.endswith(YAML_SUFFIXES) else engine.plan,
        calibration=moved(engine.calibration),
        builder=builder,
        public_key=moved(engine.public_key),
    )
