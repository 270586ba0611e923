"""What goes into an engine and what comes out, as its deserialised plan says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from trt_perception.errors import EngineError
from trt_perception.model.model_spec import ModelSpec

_DTYPES = {
    "FLOAT": "float32",
    "HALF": "float16",
    "BF16": "bfloat16",
    "INT8": "int8",
    "UINT8": "uint8",
    "INT32": "int32",
    "INT64": "int64",
    "BOOL": "bool",
    "FP8": "float8",
    "INT4": "int4",
    "FP4": "float4",
}
"""Names of TensorRT's element types (tensorrt.DataType) as NumPy and the model YAML have them."""


@dataclass(frozen=True, kw_only=True)
class EngineBinding:
    """One input or output of an engine.

    Args:
        name: Tensor name.
        is_input: Whether it goes in.
        shape: Sizes, batch first; -1 for one that a profile leaves open.
        dtype: Element type as NumPy names it, e.g. `float32`.
    """

    name: str
    is_input: bool
    shape: tuple[int, ...]
    dtype: str


def engine_tensors(trt: Any, engine: Any) -> tuple[EngineBinding, ...]:
    """The inputs and outputs of an engine, in its order.

    Args:
        trt: The TensorRT module (8.5 or newer).
        engine: A deserialised engine, `tensorrt.ICudaEngine`.
    """
    names = [engine.get_tensor_name(index) for index in range(engine.num_io_tensors)]
    return tuple(
        EngineBinding(
            name=name,
            is_input=engine.get_tensor_mode(name) == trt.TensorIOMode.INPUT,
            shape=tuple(int(size) for size in engine.get_tensor_shape(name)),
            dtype=_dtype(engine.get_tensor_dtype(name)),
        )
        for name in names
    )


def check_tensors(tensors: tuple[EngineBinding, ...], spec: ModelSpec, *, engine: object) -> None:
    """See that an engine has the inputs and outputs that a model has; an open size takes any, more outputs may be.

    int32 fits an output that the model has in int64, which TensorRT 8 does not know: its parser narrows it.

    Raises:
        EngineError: A tensor is missing, an input too many, or one of another shape or type.
    """
    for what, got, expected in (
        ("inputs", _described(tensors, is_input=True), spec.inputs),
        ("outputs", _described(tensors, is_input=False), spec.outputs),
    ):
        wanted = {item.name: (item.shape, item.dtype.value) for item in expected}
        if problem := next(_differences(got, wanted, outputs=what == "outputs"), None):
            raise EngineError(
                engine,
                f"{what}: {problem}",
                "give the model that this plan was made from; heads and shapes can be given as for `inspect`",
            )


_Tensors = dict[str, tuple[tuple[int, ...], str]]


def _described(tensors: tuple[EngineBinding, ...], *, is_input: bool) -> _Tensors:
    return {item.name: (item.shape, item.dtype) for item in tensors if item.is_input is is_input}


def _differences(got: _Tensors, wanted: _Tensors, *, outputs: bool) -> Iterator[str]:
    if wanted.keys() - got.keys() or (not outputs and got.keys() - wanted.keys()):
        yield f"expected {', '.join(sorted(wanted))}, got {', '.join(sorted(got))}"
        return
    for name, (shape, dtype) in wanted.items():
        found, found_dtype = got[name]
        fits = len(found) == len(shape) and all(old in (-1, new) for old, new in zip(found, shape, strict=True))
        narrowed = outputs and (dtype, found_dtype) == ("int64", "int32")
        if not fits or (found_dtype != dtype and not narrowed):
            yield f"{name!r}: expected {dtype} {list(shape)}, got {found_dtype} {list(found)}"


def _dtype(value: Any) -> str:
    name = str(getattr(value, "name", value)).rpartition(".")[2]
    return _DTYPES.get(name, name.lower())
