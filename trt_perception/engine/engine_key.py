"""The digest of everything that decides what is built: where it is the manifest's, the engine is current."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from trt_perception.engine.engine_files import relative_path
from trt_perception.engine.engine_options import EngineOptions
from trt_perception.engine.gpu_identity import GpuIdentity
from trt_perception.engine.tensorrt_module import TensorRtIdentity
from trt_perception.errors import MissingError
from trt_perception.model.model_spec import ModelSpec
from trt_perception.model.paths import is_file
from trt_perception.options.json_schema import to_plain
from trt_perception.precision.model_digest import file_sha256
from trt_perception.precision.precision_plan import PrecisionPlan

SCHEMA = 1
"""Raised when the parts of the key change."""

EMITTER_VERSION = 1
"""Raised when `quantize` or the builder makes another engine of the same input: every engine is built anew then."""


def engine_key(
    *,
    tensorrt: TensorRtIdentity,
    gpu: GpuIdentity,
    model_sha256: str,
    plan: PrecisionPlan,
    calibration_digest: str,
    emitter: str,
    options: EngineOptions,
    plugins: Mapping[str, str],
    spec: ModelSpec,
) -> str:
    """sha256 over labelled parts, hexadecimal.

    Clocks and power mode are not among them, nor the plan's name, the timing cache and where plugins and model lie:
    they change timings and words, not what the engine computes.

    Args:
        tensorrt: What builds.
        gpu: What it builds on and for.
        model_sha256: Digest of the ONNX and its weight files.
        plan: Precisions; with calibration and emitter it stands for the mixed-precision graph.
        calibration_digest: Of the calibration table; empty where there is none.
        emitter: How the plan is written into the graph.
        options: Settings of the builder.
        plugins: sha256 of each plugin library by path, in the order of loading.
        spec: What the manifest will say of inputs, outputs, preprocessing and labels.
    """
    parts = {
        "schema": [SCHEMA, EMITTER_VERSION],
        "tensorrt": to_plain(tensorrt),
        "gpu": [gpu.name, gpu.compute_capability],
        "model": model_sha256,
        "plan": to_plain(dataclasses.replace(plan, name="")),
        "calibration": calibration_digest,
        "emitter": emitter,
        "options": _without(to_plain(options), "timing_cache", "plugins"),
        "plugins": list(plugins.values()),
        "spec": _without(to_plain(spec), "model", "name"),
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True, allow_nan=False).encode()).hexdigest()


def plugin_digests(plugins: Iterable[str], engine: Path) -> dict[str, str]:
    """sha256 of each plugin library, by its path relative to the engine's folder.

    Raises:
        MissingError: There is no such file.
        ModelError: It cannot be read.
    """
    digests = {}
    for plugin in plugins:
        path = Path(plugin)
        if not is_file(path):
            raise MissingError(f"the plugin library {plugin}, no such file", "give the path of the library file")
        digests[relative_path(path, engine)] = file_sha256(path)
    return digests


def _without(plain: Mapping[str, Any], *keys: str) -> dict[str, Any]:
    return {key: value for key, value in plain.items() if key not in keys}
