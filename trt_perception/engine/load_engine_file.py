"""A plan from the disk, after everything about it was checked that can be checked before TensorRT sees a byte of it."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, field
from pathlib import Path

from trt_perception.engine.build_command import build_command
from trt_perception.engine.engine_files import EngineFiles
from trt_perception.engine.engine_mismatch import gpu_warnings, mismatches
from trt_perception.engine.file_trust import others_may_write
from trt_perception.engine.gpu_identity import GpuIdentity
from trt_perception.engine.manifest import Manifest, parse_manifest, read_manifest_bytes
from trt_perception.engine.signature import verify_signature
from trt_perception.engine.tensorrt_module import TensorRtIdentity
from trt_perception.errors import EngineError
from trt_perception.model.model_spec import ModelSpec
from trt_perception.model.paths import is_file


@dataclass(frozen=True, kw_only=True)
class LoadedEngine:
    """A plan that may be deserialised.

    Args:
        plan: The bytes that were hashed; what happens to the file afterwards does not matter.
        manifest: What it is.
        warnings: What is not as it should be, and does not keep it from running.
    """

    plan: bytes = field(repr=False)
    manifest: Manifest
    warnings: tuple[str, ...] = ()


def load_engine_file(
    engine: Path,
    *,
    tensorrt: TensorRtIdentity,
    gpu: GpuIdentity,
    spec: ModelSpec | None = None,
    strict: bool = False,
    public_key: Path | None = None,
) -> LoadedEngine:
    """Read an engine whose files belong together, and which belongs to this TensorRT, this GPU and this model.

    Args:
        engine: The plan, e.g. `front.engine`; its manifest lies beside it.
        tensorrt: What is to load it.
        gpu: What it is to run on.
        spec: The model as the settings describe it; None: what the manifest says is taken.
        strict: Whether files that others may write are refused, too.
        public_key: Whose signature is asked for; None: none is.

    Raises:
        EngineError: What differs, with expected and got, and the command that mends it: plan or manifest absent,
            damaged, truncated or not of one pair; other TensorRT, other GPU; changed ONNX, calibration table or plugin
            library; other inputs, outputs or labels than in `spec`; under `strict`, files that others may write; with
            `public_key`, no signature by it.
        ModelError: The ONNX is present, but cannot be read.
        InputError: The public key cannot be read.
        MissingError: A signature is asked for and the cryptography package is not installed.
    """
    files = EngineFiles(engine)
    content = read_manifest_bytes(files)
    manifest = parse_manifest(content, files)
    warnings = list(others_may_write(_trusted(files, manifest)))
    if warnings and strict:
        raise EngineError(files.engine, "; ".join(warnings), "or load it without `strict`")
    plan = _read_plan(files, manifest)
    if public_key is not None:
        verify_signature(files, plan_sha256=manifest.plan_sha256, manifest=content, public_key=public_key)
    for mismatch in mismatches(manifest, files, tensorrt=tensorrt, gpu=gpu, spec=spec):
        raise EngineError(
            files.engine, mismatch.what, _remedy(files, manifest), expected=mismatch.expected, got=mismatch.got
        )
    warnings += gpu_warnings(manifest, gpu)
    if manifest.adopted:
        warnings.append("adopted from elsewhere: nobody has verified what its layers compute in")
    return LoadedEngine(plan=plan, manifest=manifest, warnings=tuple(warnings))


def _trusted(files: EngineFiles, manifest: Manifest) -> list[Path]:
    """What is code, or decides which code is run."""
    return [files.engine, files.manifest, *(files.engine.parent / name for name in manifest.plugins)]


def _read_plan(files: EngineFiles, manifest: Manifest) -> bytes:
    """The plan, whole and unchanged. One read: what is hashed is what TensorRT gets."""
    remedy = _remedy(files, manifest)
    if not is_file(files.engine):
        raise EngineError(files.engine, "there is a manifest, but no plan beside it", remedy)
    try:
        with files.engine.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            if size != manifest.plan_bytes:
                raise EngineError(
                    files.engine, "size", remedy, expected=f"{manifest.plan_bytes} bytes", got=f"{size} bytes"
                )
            plan = file.read()
    except OSError as error:
        raise EngineError(
            files.engine, f"cannot be read: {error.strerror or error}", "check its permissions"
        ) from error
    found = hashlib.sha256(plan).hexdigest()
    if found != manifest.plan_sha256:
        raise EngineError(
            files.engine, "sha256 of the plan", remedy, expected=f"{manifest.plan_sha256} by its manifest", got=found
        )
    return plan


def _remedy(files: EngineFiles, manifest: Manifest) -> str:
    command = build_command(files, manifest)
    return f"make the plan again for this machine, then run: {command}" if manifest.adopted else f"run: {command}"
