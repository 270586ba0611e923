"""Whether an engine's inputs and outputs are those of a model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from trt_perception.engine.engine_io import EngineBinding
from trt_perception.errors import EngineError
from trt_perception.model.model_spec import ModelSpec

_NARROWED = ("int64", "int32")
"""TensorRT 8 has no int64: the parser makes int32 of it. Class ids fit."""


def check_fit(tensors: Sequence[EngineBinding], spec: ModelSpec, *, engine: Path) -> None:
    """Compare names, shapes and dtypes. A size that the engine leaves open fits any; it may have more outputs.

    Raises:
        EngineError: What differs.
    """
    found = {tensor.name: tensor for tensor in tensors}
    inputs = [tensor.name for tensor in tensors if tensor.is_input]
    expected = [source.name for source in spec.inputs]
    if sorted(inputs) != sorted(expected):
        raise _mismatch(engine, "inputs", ", ".join(expected), ", ".join(inputs))
    outputs = [tensor.name for tensor in tensors if not tensor.is_input]
    missing = [output.name for output in spec.outputs if output.name not in outputs]
    if missing:
        raise _mismatch(engine, "outputs", ", ".join(missing), ", ".join(outputs))
    for what, items in (("input", spec.inputs), ("output", spec.outputs)):
        for item in items:
            tensor = found[item.name]
            fits = len(tensor.shape) == len(item.shape) and all(
                got in (-1, want) for got, want in zip(tensor.shape, item.shape, strict=True)
            )
            if not fits:
                raise _mismatch(engine, f"shape of {what} {item.name!r}", str(list(item.shape)), str(list(tensor.shape)))
            narrowed = what == "output" and (item.dtype.value, tensor.dtype) == _NARROWED
            if tensor.dtype != item.dtype.value and not narrowed:
                raise _mismatch(engine, f"type of {what} {item.name!r}", item.dtype.value, tensor.dtype)


def _mismatch(engine: Path, what: str, expected: str, got: str) -> EngineError:
    return EngineError(
        engine, what, "build the engine again from this model with `trt-perception build`", expected=expected, got=got
    )
