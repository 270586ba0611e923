"""ONNX Runtime on the CPU."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from trt_perception.errors import DeviceError, MissingError, ModelError
from trt_perception.model.model_spec import InputSpec, ModelSpec, OutputSpec
from trt_perception.runtime.backend import Tensors
from trt_perception.runtime.open_and_close import OpenAndClose

_TYPE_NAMES = {
    "tensor(float)": "float32",
    "tensor(float16)": "float16",
    "tensor(int8)": "int8",
    "tensor(uint8)": "uint8",
    "tensor(int32)": "int32",
    "tensor(int64)": "int64",
}
_ERRORS_ONLY = 3


class OnnxRuntimeBackend(OpenAndClose):
    """One session, shared by all threads that call `infer`. The same input gives the same bytes.

    Args:
        spec: The model.
        threads: Threads that work on one frame. Default: half of the process's cores. Workers of several cameras fill
            the rest: on two cores, six of them made 10 % more frames a second with one thread each than with two.
        note: Why this backend was taken; becomes part of `name`.
        exact_quantizers: Round where a graph has QuantizeLinear and compute in floats between, as a quantized graph
            says. Otherwise ONNX Runtime may quantize biases, too: with FP16 scales they lose 10 dB.
    """

    def __init__(
        self, spec: ModelSpec, *, threads: int | None = None, note: str = "", exact_quantizers: bool = False
    ) -> None:
        self._spec = spec
        self._threads = threads or max(1, _usable_cores() // 2)
        self._note = note
        self._exact_quantizers = exact_quantizers
        self._session: Any = None
        self._version = ""

    @property
    def name(self) -> str:
        """Runtime, version and threads."""
        version = f" {self._version}" if self._version else ""
        note = f"; {self._note}" if self._note else ""
        return f"onnxruntime{version} (CPU, threads: {self._threads}{note})"

    @property
    def threads(self) -> int:
        """Threads that work on one frame."""
        return self._threads

    def open(self) -> None:
        """Load the model and compare its inputs and outputs with the spec; `Backend` says more."""
        if self._session is not None:
            return
        try:
            import onnxruntime
        except ImportError as error:
            raise MissingError(
                "backend onnxruntime: the Python package onnxruntime is not installed",
                "pip install onnxruntime, or set `backend: tensorrt` on a machine with a GPU",
            ) from error
        if not Path(self._spec.model).is_file():
            raise MissingError(f"model {self._spec.name}: {self._spec.model} is not there", "set `model:` in its YAML")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self._threads
        options.inter_op_num_threads = 1
        options.use_deterministic_compute = True
        options.log_severity_level = _ERRORS_ONLY
        # At ten frames a second, threads that spin while idle double the CPU time of a frame: those cores belong to the
        # other cameras.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        if self._exact_quantizers:
            options.add_session_config_entry("session.disable_quant_qdq", "1")
        try:
            session = onnxruntime.InferenceSession(self._spec.model, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # ONNX Runtime's errors have no common base
            raise ModelError(
                self._spec.model, f"ONNX Runtime cannot load it: {error}", "check it with `trt-perception inspect`"
            ) from error
        self._check("input", self._spec.inputs, session.get_inputs(), exactly=True)
        self._check("output", self._spec.outputs, session.get_outputs(), exactly=False)
        self._version = onnxruntime.__version__
        self._session = session

    def infer(self, inputs: Tensors) -> Tensors:
        """Run the model once; `Backend` says more."""
        session = self._session
        if session is None:
            raise DeviceError(f"model {self._spec.name}: infer before open or after close; open the backend first")
        names = [output.name for output in self._spec.outputs]
        try:
            values = session.run(names, dict(inputs))
        except Exception as error:  # ONNX Runtime's errors have no common base
            raise DeviceError(f"model {self._spec.name}: ONNX Runtime failed: {error}") from error
        outputs = dict(zip(names, values, strict=True))
        for output in self._spec.outputs:
            got = outputs[output.name]
            if got.shape != output.shape:
                raise DeviceError(
                    f"model {self._spec.name}: output {output.name!r} must have shape {list(output.shape)}, "
                    f"got {list(got.shape)}; correct `outputs` in the model's YAML"
                )
        return outputs

    def close(self) -> None:
        """Free the session."""
        self._session = None

    def _check(
        self, what: str, specs: tuple[InputSpec, ...] | tuple[OutputSpec, ...], tensors: list[Any], *, exactly: bool
    ) -> None:
        """Compare names, shapes and dtypes. A symbolic size of the model fits any."""
        found = {tensor.name: tensor for tensor in tensors}
        expected = [spec.name for spec in specs]
        missing = sorted(set(expected) - set(found))
        extra = sorted(set(found) - set(expected)) if exactly else []
        if missing or extra:
            raise self._mismatch(f"expected {what}s {', '.join(expected)}, the file has {', '.join(found) or 'none'}")
        for spec in specs:
            tensor = found[spec.name]
            dtype = _TYPE_NAMES.get(tensor.type, tensor.type)
            if dtype != spec.dtype.value:
                raise self._mismatch(f"{what} {spec.name!r} must be {spec.dtype.value}, the file has {dtype}")
            fits = len(tensor.shape) == len(spec.shape) and all(
                got == want or not isinstance(got, int) for got, want in zip(tensor.shape, spec.shape, strict=True)
            )
            if not fits:
                raise self._mismatch(
                    f"{what} {spec.name!r} must have shape {list(spec.shape)}, the file has {list(tensor.shape)}"
                )

    def _mismatch(self, problem: str) -> ModelError:
        return ModelError(self._spec.model, problem, "make its YAML anew with `trt-perception inspect --write`")


def _usable_cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
