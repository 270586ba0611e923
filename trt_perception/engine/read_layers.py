"""The layers of a built engine, out of TensorRT's inspector.

The JSON differs between versions. TensorRT 8 and 10 give a tensor one text, `Format/Datatype`: sentences such as "Row
major linear FP16 format" in 8, single words such as "Half" in 10, "N/A due to dynamic shapes" in both without an
execution context. TensorRT 11 has `Format` and `DataType` apart. An engine built without ProfilingVerbosity.DETAILED
gives the names alone. What is not understood becomes `unknown`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from trt_perception.engine.engine_layer import UNKNOWN, EngineLayer, EngineTensor
from trt_perception.errors import InputError

_PRECISIONS = tuple(
    (name, re.compile(rf"(?<![a-z0-9])k?(?:{words})\b"))
    for name, words in (
        ("bf16", "bf16|bfloat16"),
        ("fp8", "fp8|float8|e4m3|e5m2"),
        ("fp4", "fp4|float4|e2m1"),
        ("fp16", "fp16|half|float16"),
        ("fp32", "fp32|float32|float"),
        ("int8", "u?int8"),
        ("int4", "int4"),
        ("int32", "int32"),
        ("int64", "int64"),
        ("bool", "bool"),
    )
)
_NODE = re.compile(r"\[ONNX Layer: (.*?)\](?=\s*(?:$|[\x1e\x1f]|\[ONNX Layer: ))", re.DOTALL)


def read_layers(information: str) -> tuple[EngineLayer, ...]:
    """Read what `get_engine_information(JSON)` of TensorRT 8, 10 or 11 says.

    Args:
        information: The JSON.

    Raises:
        InputError: It is no JSON object with a list of layers.
    """
    try:
        # Not strict: some versions write the separators of Metadata as they are, control characters inside a string.
        data = json.loads(information, strict=False)
    except ValueError as error:
        raise InputError(
            f"the engine inspector's information: expected JSON, got {information[:60]!r} ({error})"
        ) from error
    layers = data.get("Layers") if isinstance(data, Mapping) else None
    if not isinstance(layers, list):
        raise InputError(f"the engine inspector's information: expected a list of Layers, got {information[:60]!r}")
    return tuple(_layer(item) for item in layers)


def inspect_engine(trt: Any, engine: Any) -> tuple[EngineLayer, ...]:
    """The layers of an engine; where its shapes are dynamic, as they are at the best sizes of its first profile.

    Args:
        trt: The tensorrt module.
        engine: An ICudaEngine of it.

    Raises:
        InputError: The inspector says something that cannot be read.
    """
    inspector = engine.create_engine_inspector()
    sizes = best_sizes(trt, engine)
    if sizes:  # formats of dynamic tensors are known only to a context with sizes
        context = engine.create_execution_context()
        for name, shape in sizes.items():
            context.set_input_shape(name, shape)
        inspector.execution_context = context
    return read_layers(str(inspector.get_engine_information(trt.LayerInformationFormat.JSON)))


def best_sizes(trt: Any, engine: Any) -> dict[str, tuple[int, ...]]:
    """The sizes that the engine's first profile is made for, of its inputs of open size.

    Args:
        trt: The tensorrt module.
        engine: An ICudaEngine of it.
    """
    names = [engine.get_tensor_name(index) for index in range(engine.num_io_tensors)]
    inputs = [name for name in names if engine.get_tensor_mode(name) == trt.TensorIOMode.INPUT]
    dynamic = [name for name in inputs if any(size < 0 for size in engine.get_tensor_shape(name))]
    return {name: tuple(engine.get_tensor_profile_shape(name, 0)[1]) for name in dynamic}


def precision_of(text: str) -> str:
    """The precision that a text of the inspector names, e.g. ``Row major linear FP16 format`` or ``Half``."""
    words = text.lower()
    return next((name for name, pattern in _PRECISIONS if pattern.search(words)), UNKNOWN)


def _layer(item: Any) -> EngineLayer:
    if not isinstance(item, Mapping):
        return EngineLayer(name=str(item))
    return EngineLayer(
        name=str(item.get("Name", "")),
        kind=str(item.get("LayerType", "")),
        nodes=_nodes(item.get("Metadata")),
        inputs=_tensors(item.get("Inputs")),
        outputs=_tensors(item.get("Outputs")),
        weights=_weights(item.get("Weights")),
        tactic=str(item.get("TacticName", "")),
        origin=str(item.get("Origin", "")),
    )


def _tensors(items: Any) -> tuple[EngineTensor, ...]:
    if not isinstance(items, Sequence) or isinstance(items, str):
        return ()
    return tuple(_tensor(item) if isinstance(item, Mapping) else _nameless(str(item)) for item in items)


def _tensor(item: Mapping[str, Any]) -> EngineTensor:
    separate = str(item.get("DataType", item.get("Datatype", "")))
    layout = str(item.get("Format/Datatype", item.get("Format", "")))
    dimensions = item.get("Dimensions")
    return EngineTensor(
        name=str(item.get("Name", "")),
        shape=tuple(size for size in dimensions if isinstance(size, int)) if isinstance(dimensions, list) else (),
        precision=precision_of(separate or layout),
        format=f"{separate}, {layout}" if separate and layout else separate or layout,
    )


def _nameless(text: str) -> EngineTensor:
    return EngineTensor(name=text, shape=(), precision=UNKNOWN, format="")


def _weights(item: Any) -> str | None:
    """TensorRT 8 writes type and count; a layer without weights has a count of 0 or no entry."""
    if not isinstance(item, Mapping) or item.get("Count") == 0:
        return None
    precision = precision_of(str(item.get("Type", "")))
    return None if precision == UNKNOWN else precision


def _nodes(metadata: Any) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_NODE.findall(metadata))) if isinstance(metadata, str) else ()
