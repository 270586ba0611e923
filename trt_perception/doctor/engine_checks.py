"""Whether engines load here, and why not."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trt_perception.doctor.finding import Finding, Level
from trt_perception.engine.any_spec import ENGINE_SUFFIX
from trt_perception.engine.engine_files import EngineFiles
from trt_perception.engine.gpu_identity import current_gpu
from trt_perception.engine.load_engine_file import LoadedEngine, load_engine_file
from trt_perception.engine.manifest import read_manifest
from trt_perception.engine.open_plan import open_plan
from trt_perception.engine.tensorrt_module import identify, load_tensorrt
from trt_perception.errors import EngineError, PerceptionError
from trt_perception.model.load_spec import load_spec
from trt_perception.model.model_spec import ModelSpec
from trt_perception.precision.named_plan import named_plan
from trt_perception.precision.precision_plan import PrecisionPlan
from trt_perception.runtime.backend import BackendKind
from trt_perception.settings.engine_requests import engine_file
from trt_perception.settings.load_settings import load_settings
from trt_perception.settings.model_settings import ModelSettings

ENGINES = "engines"
"""What an engine's finding is needed for, beside the tensorrt backend."""


@dataclass(frozen=True, kw_only=True)
class ExpectedEngine:
    """An engine, and what is expected of it.

    Args:
        path: Where it lies.
        spec: The model as the config has it. None: as the manifest says.
        plan: The precision plan as the config has it. None: any.
        strict: Whether it is refused where others may write it.
        public_key: Whose signature is asked for.
        mend: The command that builds it. Empty: the one that the manifest tells.
    """

    path: Path
    spec: ModelSpec | None = None
    plan: PrecisionPlan | None = None
    strict: bool = False
    public_key: Path | None = None
    mend: str = ""


def folder_engines(folder: Path, *, public_key: Path | None = None) -> list[Finding]:
    """A finding for every engine in a folder and below it.

    Args:
        folder: The folder.
        public_key: Whose signature every engine must have to be loaded. None: none is asked for.
    """
    engines = sorted(folder.rglob(f"*{ENGINE_SUFFIX}"))
    if not engines:
        detail = "no such folder" if not folder.is_dir() else f"no *{ENGINE_SUFFIX} in it"
        remedy = f"build one: trt-perception build MODEL --out {folder / f'model{ENGINE_SUFFIX}'}"
        return [Finding(subject=str(folder), level=Level.MISSING, detail=detail, remedy=remedy, needed_for=(ENGINES,))]
    return [check_engine(ExpectedEngine(path=path, public_key=public_key)) for path in engines]


def config_engines(config: Path) -> list[Finding]:
    """A finding for the engine of every model that a config's pipelines use.

    Raises:
        ConfigError: The config is wrong.
    """
    settings = load_settings(config)
    if settings.backend is BackendKind.ONNXRUNTIME:
        return [Finding(subject=config.name, level=Level.OK, detail="backend onnxruntime: it needs no engines")]
    used = {pipeline.model for pipeline in settings.pipelines}
    models = [model for model in settings.models if model.name in used]
    return [_of_model(model, f"trt-perception build --config {config}") for model in models]


def check_engine(expected: ExpectedEngine) -> Finding:
    """Check the files, then load the plan, as the node would; where TensorRT or the GPU is missing, the files alone."""
    name = expected.path.name
    needed_for = (ENGINES, "tensorrt")
    try:
        loaded, lack = _load(expected)
    except PerceptionError as error:
        mend = expected.mend if isinstance(error, EngineError) else ""
        return Finding(subject=name, level=Level.MISSING, detail=str(error), remedy=mend, needed_for=needed_for)
    manifest = loaded.manifest
    key = expected.public_key
    signature = "signature not verified: no public key was given" if key is None else f"signed by {key.name}"
    if lack:
        detail = f"whole, for {manifest.tensorrt} on {manifest.gpu}, {signature}, but not to be loaded here: {lack}"
        return Finding(subject=name, level=Level.MISSING, detail=detail, needed_for=needed_for)
    warnings = list(loaded.warnings)
    if expected.plan is not None and not manifest.adopted and not _same(manifest.precision_plan, expected.plan):
        built = manifest.precision_plan.name if manifest.precision_plan is not None else "none"
        warnings.append(f"built by the precision plan {built!r}, the config says {expected.plan.name!r}")
    detail = "; ".join([f"loads: {manifest.tensorrt}, {manifest.gpu}", signature, *warnings])
    return Finding(
        subject=name,
        level=Level.WARNING if warnings else Level.OK,
        detail=detail,
        remedy=expected.mend if warnings else "",
        needed_for=needed_for,
    )


def _of_model(model: ModelSettings, mend: str) -> Finding:
    try:
        engine = model.engine
        expected = ExpectedEngine(
            path=engine_file(model),
            spec=None if model.is_engine else load_spec(Path(model.spec)),
            plan=None if model.is_engine else named_plan(engine.plan, where=f"engine.plan of model {model.name}"),
            strict=engine.strict,
            public_key=Path(engine.public_key) if engine.public_key else None,
            mend="" if model.is_engine else f"run: {mend}",
        )
    except PerceptionError as error:
        return Finding(subject=model.name, level=Level.MISSING, detail=str(error), needed_for=(ENGINES, "tensorrt"))
    return check_engine(expected)


def _load(expected: ExpectedEngine) -> tuple[LoadedEngine, str]:
    """The engine, and what is missing here to load it: then its files were held against each other alone."""
    manifest = read_manifest(expected.path)
    try:
        trt: Any = load_tensorrt(manifest.tensorrt.module)
        tensorrt, gpu, lack = identify(trt), current_gpu(), ""
    except PerceptionError as error:
        trt, tensorrt, gpu, lack = None, manifest.tensorrt, manifest.gpu, str(error)
    loaded = load_engine_file(
        expected.path,
        tensorrt=tensorrt,
        gpu=gpu,
        spec=expected.spec,
        strict=expected.strict,
        public_key=expected.public_key,
    )
    if trt is not None:
        folder = EngineFiles(expected.path).engine.parent
        plugins = loaded.manifest.plugin_paths(folder)
        with open_plan(trt, loaded.plan, name=expected.path, plugins=plugins):
            pass
    return loaded, lack


def _same(built: PrecisionPlan | None, asked: PrecisionPlan) -> bool:
    return built is not None and dataclasses.replace(built, name="") == dataclasses.replace(asked, name="")
