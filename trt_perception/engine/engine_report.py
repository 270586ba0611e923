"""What can be told of an engine file: by its manifest anywhere, by TensorRT where it can be opened."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trt_perception.engine.engine_account import read_engine_account
from trt_perception.engine.engine_files import EngineFiles
from trt_perception.engine.engine_io import EngineBinding, engine_tensors
from trt_perception.engine.engine_layer import EngineLayer
from trt_perception.engine.gpu_identity import current_gpu
from trt_perception.engine.layer_check import LayerCheck, check_layers
from trt_perception.engine.layer_table import RegionRow, count_layers, region_table
from trt_perception.engine.load_engine_file import load_engine_file
from trt_perception.engine.manifest import Manifest, read_manifest
from trt_perception.engine.open_plan import open_plan
from trt_perception.engine.read_layers import inspect_engine
from trt_perception.engine.tensorrt_module import identify, load_tensorrt
from trt_perception.errors import DeviceError, EngineError, MissingError
from trt_perception.options.json_schema import to_plain
from trt_perception.precision.account import Account

_SUFFIXES = (".engine", ".plan", ".trt")


@dataclass(frozen=True, kw_only=True)
class EngineReport:
    """One engine.

    Args:
        path: The plan.
        manifest: What its manifest says; None where there is none.
        notes: What could not be told, and why.
        signed_by: The public key that the signature of plan and manifest was verified with; None where none was given.
        tensors: Inputs and outputs, as the engine says; empty where it could not be opened.
        layers: Its layers; empty where it could not be opened.
        regions: The layers by region and precision; one row where regions are not known.
        check: The layers against the plan; None where it could not be opened or the plan's account is not there.
        device_memory_mib: Memory that a context needs beside the weights, MiB; None where it could not be opened.
    """

    path: Path
    manifest: Manifest | None = None
    notes: tuple[str, ...] = ()
    signed_by: Path | None = None
    tensors: tuple[EngineBinding, ...] = ()
    layers: tuple[EngineLayer, ...] = ()
    regions: tuple[RegionRow, ...] = ()
    check: LayerCheck | None = None
    device_memory_mib: float | None = None

    def to_plain(self) -> dict[str, Any]:
        """All of it as JSON knows it."""
        return {
            "engine": str(self.path),
            "manifest": None if self.manifest is None else self.manifest.to_plain(),
            "notes": list(self.notes),
            "signed_by": None if self.signed_by is None else str(self.signed_by),
            "device_memory_mib": self.device_memory_mib,
            "tensors": to_plain(self.tensors),
            "regions": to_plain(self.regions),
            "verification": to_plain(self.check),
            "layers": [{"precision": layer.precision, **to_plain(layer)} for layer in self.layers],
        }


def is_engine(path: Path) -> bool:
    """Whether a file is to be taken for an engine: by its name, or since a manifest lies beside it."""
    suffix = path.suffix.lower()
    return suffix in _SUFFIXES or (suffix != ".onnx" and EngineFiles(path).manifest.is_file())


def report_engine(path: Path, *, device: int = 0, public_key: Path | None = None) -> EngineReport:
    """Tell of an engine what can be told here.

    Args:
        path: The plan.
        device: Index of the GPU.
        public_key: Whose signature is asked for before anything is loaded. None: none is.

    Raises:
        EngineError: There is no such file; its manifest is damaged; or the plan is not what the manifest says, or
            belongs to another TensorRT or GPU; with `public_key`, there is no signature by it.
        InputError: The account beside it is damaged, or the public key cannot be read.
        MissingError: There is neither a manifest nor a TensorRT that could open the plan.
        DeviceError: There is no manifest, and the GPU fails.
    """
    files = EngineFiles(path)
    known = files.manifest.is_file() or not files.engine.is_file() or public_key is not None
    manifest = read_manifest(path) if known else None
    try:
        trt = load_tensorrt("tensorrt" if manifest is None else manifest.tensorrt.module)
        gpu = current_gpu(device)
    except (MissingError, DeviceError) as error:
        if manifest is None:
            raise
        if public_key is not None:
            load_engine_file(path, tensorrt=manifest.tensorrt, gpu=manifest.gpu, public_key=public_key)
        note = f"the engine was not opened: {error}"
        return EngineReport(path=path, manifest=manifest, notes=(note,), signed_by=public_key)
    if manifest is None:
        notes: tuple[str, ...] = (
            f"no manifest {files.manifest.name}: nobody knows what this is, and it cannot be run",
        )
        plan = _read(files.engine)
    else:
        loaded = load_engine_file(path, tensorrt=identify(trt), gpu=gpu, public_key=public_key)
        manifest, notes, plan = loaded.manifest, loaded.warnings, loaded.plan
    plugins = manifest.plugin_paths(files.engine.parent) if manifest else {}
    account = read_engine_account(path, manifest)
    with open_plan(trt, plan, name=path, plugins=plugins) as engine:
        report = _opened(path, manifest, account, notes, trt, engine)
    return dataclasses.replace(report, signed_by=public_key)


def _opened(
    path: Path, manifest: Manifest | None, account: Account | None, notes: tuple[str, ...], trt: Any, engine: Any
) -> EngineReport:
    layers = inspect_engine(trt, engine)
    if account is None and manifest is not None:
        notes = (*notes, "no account beside the engine: its layers are not assigned to regions")
    return EngineReport(
        path=path,
        manifest=manifest,
        notes=notes,
        tensors=engine_tensors(trt, engine),
        layers=layers,
        regions=(count_layers(layers, region="all"),) if account is None else region_table(layers, account),
        check=None if account is None else check_layers(layers, account),
        device_memory_mib=_device_memory(engine) / 2**20,
    )


def _device_memory(engine: Any) -> int:
    """TensorRT 10 counts in 64 bits under another name, 11 has that alone."""
    return int(engine.device_memory_size_v2 if hasattr(engine, "device_memory_size_v2") else engine.device_memory_size)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise EngineError(path, f"cannot be read: {error.strerror or error}", "check the file's permissions") from error
