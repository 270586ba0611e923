"""The command that builds an engine again, for those whose engine is refused."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator
from pathlib import Path

from trt_perception.engine.engine_files import EngineFiles
from trt_perception.engine.engine_options import EngineOptions, ShapeProfile
from trt_perception.engine.manifest import Manifest
from trt_perception.precision.named_plan import SHIPPED_PLANS

_NUMBERS = {"workspace": "workspace_mib", "optimization-level": "optimization_level", "dla-core": "dla_core"}
_SWITCHES = ("tf32", "version-compatible", "hardware-compatible", "strip-plan", "sparsity")
_ONLY_IN_YAML = ("max_aux_streams", "tactic_sources")


def build_command(files: EngineFiles, manifest: Manifest) -> str:
    """The command, for a shell.

    What the manifest does not know stands in capitals: MODEL, PLAN.yaml, OPTIONS.yaml.

    Args:
        files: Where the engine lies.
        manifest: What it is.
    """
    folder = files.engine.parent
    words = ["trt-perception", "build", _place(folder, manifest.model_file) or "MODEL", "--out", str(files.engine)]
    if manifest.adopted:
        return shlex.join([*words, "--adopt"])
    plan = manifest.precision_plan
    if plan is not None:
        words += ["--plan", plan.name if plan.name in SHIPPED_PLANS else f"{plan.name or 'PLAN'}.yaml"]
    if manifest.calibration_file:
        words += ["--calibration", _place(folder, manifest.calibration_file)]
    if manifest.tensorrt.flavour == "tensorrt_rtx":
        words += ["--module", "tensorrt_rtx_bindings"]
    if manifest.options is not None:
        words += _option_words(manifest.options)
    for plugin in manifest.plugins:
        words += ["--plugin", _place(folder, plugin)]
    return shlex.join(words)


def _option_words(options: EngineOptions) -> Iterator[str]:
    """What differs from the defaults."""
    default = EngineOptions()
    if any(getattr(options, field) != getattr(default, field) for field in _ONLY_IN_YAML):
        yield from ("--options", "OPTIONS.yaml")
    for name, field in _NUMBERS.items():
        if getattr(options, field) != getattr(default, field):
            yield from (f"--{name}", str(getattr(options, field)))
    for name in _SWITCHES:
        if getattr(options, name.replace("-", "_")):
            yield f"--{name}"
    if options.timing_cache:
        yield from ("--timing-cache", options.timing_cache)
    if options.ahead_of_time:
        yield from ("--ahead-of-time", options.ahead_of_time)
    for profile in options.profiles:
        yield from ("--profile", _profile_words(profile))


def _profile_words(profile: ShapeProfile) -> str:
    shapes = ("x".join(map(str, shape)) for shape in (profile.min, profile.opt, profile.max))
    return f"{profile.input}={','.join(shapes)}"


def _place(folder: Path, name: str) -> str:
    return os.path.normpath(folder / name) if name else ""
