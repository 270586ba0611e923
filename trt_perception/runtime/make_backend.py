"""Which backend executes a model here."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from trt_perception.engine.any_spec import ENGINE_SUFFIX
from trt_perception.engine.cuda_driver import CudaDriver
from trt_perception.errors import EngineError, MissingError, PerceptionError
from trt_perception.model.model_spec import ModelSpec
from trt_perception.runtime.backend import Backend, BackendKind
from trt_perception.runtime.onnxruntime_backend import OnnxRuntimeBackend
from trt_perception.runtime.tensorrt_backend import TensorRtBackend


def make_backend(
    kind: BackendKind,
    spec: ModelSpec,
    *,
    threads: int | None = None,
    engine: Path | None = None,
    device: int = 0,
    contexts: int = 2,
    strict: bool = False,
    public_key: Path | None = None,
) -> Backend:
    """The backend of that kind, not open yet.

    Args:
        kind: Which runtime. `auto` takes ONNX Runtime where TensorRT cannot be used; its `name` says why.
        spec: The model.
        threads: CPU threads of one frame; only for onnxruntime. Default: half of the cores.
        engine: The engine file; only for tensorrt, as is what follows. Default: beside the model, with its name.
        device: Index of the GPU.
        contexts: How many inferences at once.
        strict: Whether an engine that other users may write is refused.
        public_key: Whose signature is asked for. None: none.

    Raises:
        MissingError: TensorRT is asked for, and it, the CUDA packages or the engine are not there.
        EngineError: An engine alone is to be run by ONNX Runtime.
    """
    path = engine or Path(spec.model).with_suffix(ENGINE_SUFFIX)
    is_engine_alone = Path(spec.model).suffix == ENGINE_SUFFIX
    lack, remedy = ("", "") if kind is BackendKind.ONNXRUNTIME else _lack(path, look_for_gpu=kind is BackendKind.AUTO)
    if kind is BackendKind.ONNXRUNTIME or (kind is BackendKind.AUTO and lack and not is_engine_alone):
        if is_engine_alone:
            raise EngineError(spec.model, "an engine runs on TensorRT only", "give the ONNX, or `--backend tensorrt`")
        return OnnxRuntimeBackend(spec, threads=threads, note=f"auto: {lack}" if lack else "")
    if lack:
        raise MissingError(_tensorrt_lacks(spec, lack), remedy)
    return TensorRtBackend(spec, engine=path, device=device, contexts=contexts, strict=strict, public_key=public_key)


def require_tensorrt(spec: ModelSpec, engine: Path) -> None:
    """See that what the tensorrt backend needs is here, before anything of it is touched.

    Raises:
        MissingError: TensorRT, the CUDA packages or the engine are not there.
    """
    lack, remedy = _lack(engine, look_for_gpu=False)
    if lack:
        raise MissingError(_tensorrt_lacks(spec, lack), remedy)


def _tensorrt_lacks(spec: ModelSpec, lack: str) -> str:
    return f"model {spec.name}: backend tensorrt: {lack}"


def _lack(engine: Path, *, look_for_gpu: bool) -> tuple[str, str]:
    """What TensorRT lacks here, and what to do; empty where it can be tried."""
    on_cpu = "set `backend: onnxruntime` to run on the CPU"
    if not _has("tensorrt"):
        return "the Python package tensorrt is not installed", (
            f"install TensorRT with its Python package for this Python, or {on_cpu}"
        )
    if not _has("cuda.core"):
        return "the Python package cuda-core is not installed", f"run: pip install cuda-core cuda-bindings; or {on_cpu}"
    if not engine.is_file():
        return f"there is no engine {engine}", f"run: trt-perception build MODEL --out {engine}; or {on_cpu}"
    if look_for_gpu:
        try:
            CudaDriver().device(0)
        except PerceptionError as error:
            return f"no GPU ({error})", on_cpu
    return "", ""


def _has(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # of a parent package
        return False
