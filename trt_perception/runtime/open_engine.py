"""An engine file becomes an engine on the GPU."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from trt_perception.engine.engine_files import EngineFiles
from trt_perception.engine.gpu_identity import GpuIdentity, current_gpu
from trt_perception.engine.load_engine_file import load_engine_file
from trt_perception.engine.manifest import Manifest, read_manifest
from trt_perception.engine.tensorrt_module import TensorRtIdentity, identify, load_tensorrt
from trt_perception.errors import EngineError
from trt_perception.model.model_spec import ModelSpec
from trt_perception.runtime.gpu import Gpu
from trt_perception.runtime.tensorrt_engine import TensorRtEngine


@dataclass(frozen=True, kw_only=True)
class OpenedEngine:
    """An engine on the GPU, and what is known of it.

    Args:
        engine: To be closed after its contexts.
        manifest: What it is.
        tensorrt: What runs it.
        gpu: What it runs on.
        weights_bytes: Device memory that loading it took.
        warnings: What is not as it should be with its files, and does not keep it from running.
    """

    engine: TensorRtEngine
    manifest: Manifest
    tensorrt: TensorRtIdentity
    gpu: GpuIdentity
    weights_bytes: int
    warnings: tuple[str, ...] = ()


def open_engine(
    path: Path,
    *,
    device: int = 0,
    module: str | None = None,
    spec: ModelSpec | None = None,
    strict: bool = False,
    public_key: Path | None = None,
    gpu: Gpu | None = None,
) -> OpenedEngine:
    """Check an engine's files, then load it.

    Args:
        path: The engine; its manifest lies beside it.
        device: Index of the GPU, as CUDA counts.
        module: Python module of the TensorRT that runs it. None: the one of the flavour that built it.
        spec: The model as the settings describe it. None: what the manifest says is taken.
        strict: Whether an engine that other users may write is refused.
        public_key: Whose signature is asked for. None: none.
        gpu: That of `device`, where it is in use already: its kernels are then loaded once for all engines.

    Raises:
        EngineError: The files do not belong together, or not to this TensorRT, GPU and model; the plan has no weights;
            or TensorRT does not take it.
        MissingError: TensorRT, the CUDA packages, the driver or a plugin library is not there.
        DeviceError: Out of memory, or CUDA fails.
    """
    trt = load_tensorrt(module or read_manifest(path).tensorrt.module)
    identity, here = identify(trt), current_gpu(device)
    loaded = load_engine_file(path, tensorrt=identity, gpu=here, spec=spec, strict=strict, public_key=public_key)
    if loaded.manifest.options is not None and loaded.manifest.options.strip_plan:
        raise EngineError(path, "its weights were left out (strip_plan)", "build it whole: nothing here puts them in")
    folder = EngineFiles(path).engine.parent
    plugins = loaded.manifest.plugin_paths(folder)
    gpu = gpu or Gpu(device)
    free = gpu.free_bytes()
    engine = TensorRtEngine(trt, gpu, loaded.plan, name=str(path), plugins=plugins)
    return OpenedEngine(
        engine=engine,
        manifest=loaded.manifest,
        tensorrt=identity,
        gpu=here,
        weights_bytes=max(0, free - gpu.free_bytes()),
        warnings=loaded.warnings,
    )
