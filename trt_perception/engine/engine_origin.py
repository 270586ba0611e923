"""Everything that decides what an engine is, known before anything is built."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from trt_perception.engine.engine_key import engine_key, plugin_digests
from trt_perception.engine.engine_options import EngineOptions, ShapeProfile
from trt_perception.engine.engine_request import EngineRequest
from trt_perception.engine.features import features_of
from trt_perception.engine.gpu_identity import GpuIdentity, current_gpu
from trt_perception.engine.tensorrt_module import TensorRtIdentity, identify
from trt_perception.errors import ConfigError
from trt_perception.model.load_spec import load_spec
from trt_perception.model.model_spec import ModelSpec
from trt_perception.model.read_onnx import read_onnx
from trt_perception.precision.calibration_table import CalibrationTable, read_table
from trt_perception.precision.model_digest import joint_sha256, model_files
from trt_perception.precision.precision_plan import Precision, PrecisionPlan, Region
from trt_perception.precision.quantize import Emitter


@dataclass(frozen=True, kw_only=True)
class EngineOrigin:
    """What an engine is made of, by what and for what.

    Args:
        tensorrt: What builds.
        gpu: What it is built for.
        spec: Inputs, outputs and heads; `model` is the ONNX.
        model_files: sha256 of the ONNX and its weight files.
        plan: Precisions of the regions.
        table: Calibrated ranges; None where none were given, or the plan has no INT8.
        emitter: For which kind of TensorRT the graph is written.
        options: How it is built; a profile for every input of open size.
        plugins: sha256 of each plugin library, by path.
        key: Digest of all of it.
    """

    tensorrt: TensorRtIdentity
    gpu: GpuIdentity
    spec: ModelSpec
    model_files: Mapping[str, str]
    plan: PrecisionPlan
    table: CalibrationTable | None = field(repr=False)
    emitter: Emitter
    options: EngineOptions
    plugins: Mapping[str, str]
    key: str

    @property
    def onnx(self) -> Path:
        """The model's file."""
        return Path(self.spec.model)

    @property
    def model_sha256(self) -> str:
        """Digest of the model's files."""
        return joint_sha256(self.model_files)


def engine_origin(request: EngineRequest, trt: Any) -> EngineOrigin:
    """Read what the request names.

    Args:
        request: What is asked for.
        trt: The TensorRT module.

    Raises:
        InputError: Model, calibration or options cannot be read or used.
        MissingError: There is no driver, the onnx package is not installed, or a plugin library is not there.
        DeviceError: There is no such GPU.
    """
    spec = load_spec(request.model, overrides=request.overrides)
    tensorrt, features = identify(trt), features_of(trt)
    options = _with_profiles(request.options, spec)
    if options.ahead_of_time:
        gpu = _gpu_of_capability(options.ahead_of_time, features.ahead_of_time, tensorrt)
    else:
        gpu = current_gpu(request.device)
    needs_ranges = any(request.plan.precision(region) is Precision.INT8 for region in Region)
    table = read_table(request.calibration) if request.calibration is not None and needs_ranges else None
    files = model_files(Path(spec.model))
    plugins = plugin_digests(options.plugins, request.out)
    key = engine_key(
        tensorrt=tensorrt,
        gpu=gpu,
        model_sha256=joint_sha256(files),
        plan=request.plan,
        calibration_digest=table.digest if table is not None else "",
        emitter=features.emitter,
        options=options,
        plugins=plugins,
        spec=spec,
    )
    return EngineOrigin(
        tensorrt=tensorrt,
        gpu=gpu,
        spec=spec,
        model_files=files,
        plan=request.plan,
        table=table,
        emitter=Emitter(features.emitter),
        options=options,
        plugins=plugins,
        key=key,
    )


def _with_profiles(options: EngineOptions, spec: ModelSpec) -> EngineOptions:
    """A profile for every input of open size: where none is given, the one shape that the spec says."""
    given = {profile.input for profile in options.profiles}
    shapes = {item.name: item.shape for item in spec.inputs}
    opened = [tensor.name for tensor in read_onnx(Path(spec.model)).inputs if tensor.sizes is None]
    added = tuple(
        ShapeProfile(input=name, min=shapes[name], opt=shapes[name], max=shapes[name])
        for name in opened
        if name not in given and name in shapes
    )
    return dataclasses.replace(options, profiles=(*options.profiles, *added)) if added else options


def _gpu_of_capability(name: str, offered: tuple[str, ...], tensorrt: TensorRtIdentity) -> GpuIdentity:
    if name not in offered:
        valid = f"one of {', '.join(offered)}" if offered else f"nothing: {tensorrt} builds on the GPU alone"
        raise ConfigError("ahead_of_time", f"expected {valid}, got {name!r}")
    # SM89 is 8.9, SM120 is 12.0.
    digits = re.sub(r"\D", "", name)
    return GpuIdentity(name="", compute_capability=f"{digits[:-1]}.{digits[-1]}")
