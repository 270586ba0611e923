"""A plan that was made elsewhere, such as by trtexec, gets a manifest."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from trt_perception.engine.engine_card import render_card
from trt_perception.engine.engine_files import EngineFiles, relative_path, write_manifest
from trt_perception.engine.engine_io import check_tensors, engine_tensors
from trt_perception.engine.engine_key import plugin_digests
from trt_perception.engine.engine_lock import engine_lock
from trt_perception.engine.engine_options import EngineOptions
from trt_perception.engine.gpu_identity import GpuIdentity
from trt_perception.engine.manifest import Manifest, read_manifest
from trt_perception.engine.open_plan import open_plan
from trt_perception.engine.tensorrt_module import identify
from trt_perception.errors import EngineError
from trt_perception.model.model_spec import ModelSpec
from trt_perception.model.paths import absolute, is_file
from trt_perception.precision.model_digest import joint_sha256, model_files


@dataclass(frozen=True, kw_only=True)
class AdoptedEngine:
    """What adopting gave.

    Args:
        manifest: As it was written.
        warnings: What nobody knows of this plan.
    """

    manifest: Manifest
    warnings: tuple[str, ...]


def adopt_engine(
    engine: Path,
    spec: ModelSpec,
    *,
    trt: Any,
    gpu: GpuIdentity,
    options: EngineOptions | None = None,
    waiting: Callable[[str], None] | None = None,
) -> AdoptedEngine:
    """Write manifest and card for a plan whose inputs and outputs are those of a model; the plan stays as it is.

    The plan is deserialised, which is to run code of whoever made it: adopt what you trust. That TensorRT loads it
    here is all that is known of where it fits, so this TensorRT and this GPU are recorded. What it computes in is not
    known; `verification` and `precision_plan` stay empty.

    Args:
        engine: The plan.
        spec: What it was made from, as `load_spec` gives it; where the ONNX is present, its digest is recorded.
        trt: The TensorRT module that is to run it.
        gpu: The GPU that is here.
        options: How it was built, where that is known; its plugin libraries are loaded first.
        waiting: Called with a sentence where another process builds or adopts this engine, before waiting for it.

    Raises:
        EngineError: There is no plan, it has a manifest that was not adopted, TensorRT does not load it, or its inputs
            and outputs are not those of the spec.
        MissingError: A plugin library is absent, or the onnx package, which finds the ONNX's weight files, is.
    """
    files = EngineFiles(engine)
    with engine_lock(files.engine, waiting=waiting):
        plan = _read_plan(files)
        _refuse_known(files, hashlib.sha256(plan).hexdigest())
        plugins = () if options is None else options.plugins
        with open_plan(trt, plan, name=files.engine, plugins=dict.fromkeys(plugins, "")) as opened:
            tensors = engine_tensors(trt, opened)
        check_tensors(tensors, spec, engine=files.engine)
        manifest = Manifest(
            created=datetime.now(timezone.utc).isoformat(timespec="seconds"),
            plan_sha256=hashlib.sha256(plan).hexdigest(),
            plan_bytes=len(plan),
            **_origin(spec, files),
            tensorrt=identify(trt),
            gpu=gpu,
            options=options,
            plugins=plugin_digests(plugins, files.engine),
            spec=dataclasses.replace(spec, model=str(files.engine)),
            adopted=True,
        )
        write_manifest(files.engine, manifest, render_card(manifest))
    warnings = ["nobody has verified what the layers of this plan compute in, nor how accurate it is"]
    if not manifest.model_file:
        warnings.append("its ONNX is not here: later changes of the model will not be noticed")
    return AdoptedEngine(manifest=manifest, warnings=tuple(warnings))


def _read_plan(files: EngineFiles) -> bytes:
    try:
        plan = files.engine.read_bytes()
    except OSError as error:
        raise EngineError(
            files.engine, f"cannot be read: {error.strerror or error}", "give the plan that trtexec saved as --out"
        ) from error
    if not plan:
        raise EngineError(files.engine, "expected a plan, got an empty file", "make it again")
    return plan


def _refuse_known(files: EngineFiles, plan_sha256: str) -> None:
    """A manifest that says more of this very plan than adopting could is kept."""
    try:
        known = read_manifest(files.engine)
    except EngineError:
        return  # none, or a damaged one: this is what adopting mends
    if known.plan_sha256 == plan_sha256 and not known.adopted:
        raise EngineError(
            files.engine,
            "this plan has a manifest, and was built here",
            f"use it as it is, or delete {files.manifest.name} to adopt it nevertheless",
        )


def _origin(spec: ModelSpec, files: EngineFiles) -> Mapping[str, Any]:
    """What is known of the ONNX."""
    onnx = absolute(spec.model)
    if onnx == files.engine or not is_file(onnx):
        return {}
    digests = model_files(onnx)
    return {
        "model_file": relative_path(onnx, files.engine),
        "model_files": digests,
        "model_sha256": joint_sha256(digests),
    }
