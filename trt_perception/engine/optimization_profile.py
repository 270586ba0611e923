"""The shapes that an engine is built for, where the graph leaves sizes open."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trt_perception.engine.engine_options import EngineOptions, ShapeProfile
from trt_perception.errors import ConfigError

_EXAMPLE_SIDE = 640


def add_profile(builder: Any, config: Any, inputs: Mapping[str, tuple[int, ...]], options: EngineOptions) -> None:
    """Give the config the options' profiles, as one optimisation profile; nothing where every size is fixed.

    Args:
        builder: The builder.
        config: Its config.
        inputs: The shape of every input by name; -1 for an open size.
        options: Has the profiles.

    Raises:
        ConfigError: An input of open size without a profile, a profile of no input, or one that changes a fixed size.
    """
    profiles = {profile.input: profile for profile in options.profiles}
    for name in profiles:
        if name not in inputs:
            raise ConfigError("engine option profiles", f"expected one of the inputs {', '.join(inputs)}, got {name!r}")
    for name, shape in inputs.items():
        if name in profiles:
            _check(profiles[name], shape)
        elif -1 in shape:
            raise _missing(name, shape)
    if not any(-1 in shape for shape in inputs.values()):
        return
    made = builder.create_optimization_profile()
    for name, profile in profiles.items():
        made.set_shape(name, profile.min, profile.opt, profile.max)
    if config.add_optimization_profile(made) < 0:
        raise ConfigError("engine option profiles", "TensorRT refuses them", "see its messages")


def _check(profile: ShapeProfile, shape: tuple[int, ...]) -> None:
    where = f"engine option profiles: {profile.input}"
    if len(profile.opt) != len(shape):
        raise ConfigError(where, f"expected shapes of {len(shape)} sizes as in {list(shape)}, got {list(profile.opt)}")
    for given in (profile.min, profile.opt, profile.max):
        for axis, (fixed, size) in enumerate(zip(shape, given, strict=True)):
            if fixed not in (-1, size):
                raise ConfigError(
                    where, f"expected {fixed} in place {axis}, which the graph fixes, got {list(given)}",
                    "change only what is -1 in " + str(list(shape)),
                )  # fmt: skip


def _missing(name: str, shape: tuple[int, ...]) -> ConfigError:
    def filled(batch: int) -> str:
        sizes = (size if size != -1 else batch if axis == 0 else _EXAMPLE_SIDE for axis, size in enumerate(shape))
        return str(list(sizes))

    return ConfigError(
        "engine option profiles",
        f"the input {name!r} leaves sizes open, {list(shape)}, and has no profile",
        f"write one, for example profiles: [{{input: {name}, min: {filled(1)}, opt: {filled(1)}, max: {filled(4)}}}]",
    )
