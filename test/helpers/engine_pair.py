"""An engine for tests that need no GPU: any bytes as the plan, with everything that belongs to it."""

from __future__ import annotations

import dataclasses
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from helpers.model_specs import tiny_yolox_spec
from helpers.tiny_onnx import make_yolox_onnx
from trt_perception.engine.engine_files import EngineFiles, relative_path, write_engine
from trt_perception.engine.engine_key import engine_key, plugin_digests
from trt_perception.engine.engine_options import EngineOptions
from trt_perception.engine.gpu_identity import GpuIdentity
from trt_perception.engine.manifest import BuildRecord, Manifest, VerificationRecord
from trt_perception.engine.tensorrt_module import TensorRtIdentity
from trt_perception.model.model_spec import ModelSpec
from trt_perception.precision.calibration_table import CalibrationTable, write_table
from trt_perception.precision.model_digest import joint_sha256, model_files
from trt_perception.precision.precision_plan import PrecisionPlan

PLAN = bytes(range(256)) * 16
GPU = GpuIdentity(name="NVIDIA H200", compute_capability="9.0", driver="580.65", cuda="13.0", power_limit_w=700.0)
TENSORRT = TensorRtIdentity(flavour="tensorrt", version="8.6.1")


@dataclass(frozen=True, kw_only=True)
class EnginePair:
    """What `make_pair` wrote."""

    files: EngineFiles
    manifest: Manifest
    model: Path
    calibration: Path
    plugin: Path
    spec: ModelSpec

    @property
    def engine(self) -> Path:
        return self.files.engine

    def rewrite(self, **changes: Any) -> EnginePair:
        """The same plan with another manifest."""
        manifest = dataclasses.replace(self.manifest, **changes)
        write_engine(self.engine, PLAN, manifest, "# card\n")
        return dataclasses.replace(self, manifest=manifest)


def make_pair(folder: Path, *, plan: bytes = PLAN, **changes: Any) -> EnginePair:
    """An engine with its ONNX, calibration table and a plugin library, in one folder; `changes` are to the manifest."""
    model = make_yolox_onnx(folder / "tiny.onnx")
    spec = tiny_yolox_spec(str(model))
    table = CalibrationTable(
        ranges={"images": 1.0},
        method="max",
        frames=1,
        model_sha256=model_files(model)[model.name],
        data_digest="d" * 64,
        preprocess_digest="e" * 64,
    )
    calibration, plugin = folder / "tiny.calibration.json", folder / "libplugin.so"
    write_table(table, calibration)
    plugin.write_bytes(b"code")
    engine = folder / "tiny.engine"
    manifest = manifest_of(engine, plan, model=model, table=table, calibration=calibration, plugin=plugin, spec=spec)
    manifest = dataclasses.replace(manifest, **changes)
    write_engine(engine, plan, manifest, "# card\n")
    for path in (folder, model, calibration, plugin):
        path.chmod(path.stat().st_mode & ~0o022)
    return EnginePair(
        files=EngineFiles(engine), manifest=manifest, model=model, calibration=calibration, plugin=plugin, spec=spec
    )


def manifest_of(
    engine: Path,
    plan: bytes,
    *,
    model: Path,
    table: CalibrationTable,
    calibration: Path,
    plugin: Path,
    spec: ModelSpec,
) -> Manifest:
    """The manifest of a plan of these parts."""
    files = model_files(model)
    options = EngineOptions(plugins=(str(plugin),))
    precision_plan = PrecisionPlan(name="int8")
    plugins = plugin_digests(options.plugins, engine)
    return Manifest(
        created="2026-01-02T03:04:05+00:00",
        plan_sha256=hashlib.sha256(plan).hexdigest(),
        plan_bytes=len(plan),
        model_file=relative_path(model, engine),
        model_files=files,
        model_sha256=joint_sha256(files),
        graph_sha256="a" * 64,
        calibration_file=relative_path(calibration, engine),
        calibration_digest=table.digest,
        precision_plan=precision_plan,
        emitter="flags",
        tensorrt=TENSORRT,
        gpu=GPU,
        options=options,
        plugins=plugins,
        spec=dataclasses.replace(spec, model=str(engine)),
        build=BuildRecord(seconds=1.5, timing_cache="made"),
        verification=VerificationRecord(honoured=("Conv_0",), undetermined={"Conv_1": "fused"}),
        key=engine_key(
            tensorrt=TENSORRT,
            gpu=GPU,
            model_sha256=joint_sha256(files),
            plan=precision_plan,
            calibration_digest=table.digest,
            emitter="flags",
            options=options,
            plugins=plugins,
            spec=spec,
        ),
    )
