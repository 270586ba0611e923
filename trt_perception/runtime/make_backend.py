"""Which backend executes a model here."""

from __future__ import annotations

from importlib.util import find_spec

from trt_perception.errors import MissingError
from trt_perception.model.model_spec import ModelSpec
from trt_perception.runtime.backend import Backend, BackendKind
from trt_perception.runtime.onnxruntime_backend import OnnxRuntimeBackend


def make_backend(kind: BackendKind, spec: ModelSpec, *, threads: int | None = None) -> Backend:
    """The backend of that kind, not open yet.

    Args:
        kind: Which runtime. `auto` takes ONNX Runtime where TensorRT cannot be used; its `name` says why.
        spec: The model.
        threads: CPU threads of one frame; only for onnxruntime. Default: half of the cores.

    Raises:
        MissingError: TensorRT is asked for and cannot be used.
    """
    if kind is BackendKind.ONNXRUNTIME:
        return OnnxRuntimeBackend(spec, threads=threads)
    lack, remedy = _tensorrt_lack()
    if kind is BackendKind.AUTO:
        return OnnxRuntimeBackend(spec, threads=threads, note=f"auto: {lack}")
    raise MissingError(f"model {spec.name}: backend tensorrt: {lack}", remedy)


def _tensorrt_lack() -> tuple[str, str]:
    """Why TensorRT cannot be used, and what to do."""
    on_cpu = "set `backend: onnxruntime` to run on the CPU"
    if find_spec("tensorrt") is None:
        return "the Python package tensorrt is not installed", (
            f"install TensorRT with its Python package for this Python, or {on_cpu}"
        )
    return "this version of trt_perception executes no TensorRT engines", on_cpu
