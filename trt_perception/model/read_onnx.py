"""Reads an ONNX file once and keeps what recognition and `inspect` need; the weights stay behind."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from math import prod
from pathlib import Path
from typing import Any

from trt_perception.errors import MissingError, ModelError
from trt_perception.model.onnx_model import OnnxModel, OnnxNode
from trt_perception.model.paths import absolute
from trt_perception.model.tensor_info import TensorInfo

_OTHER_FORMATS: tuple[tuple[int, bytes, str, str], ...] = (
    (0, b"ftrt", "a TensorRT plan", "give the ONNX it was built from"),
    (0, b"PK\x03\x04", "a zip archive, such as a PyTorch checkpoint", "export it to ONNX"),
    (0, b"version https://git-lfs", "a Git LFS pointer", "run: git lfs pull"),
    (0, b"\x89HDF", "an HDF5 (Keras) file", "export it to ONNX"),
    (4, b"TFL3", "a TFLite model", "export it to ONNX"),
)
"""Offset, bytes, what such a file is, and what to do: files that people give in place of an ONNX."""

_LARGE_BYTES = 2**16
"""Weights above this are left out of shape inference: shapes that are read from tensors are much smaller."""


def read_onnx(path: Path, *, shapes: Mapping[str, tuple[int, ...]] | None = None) -> OnnxModel:
    """Read an ONNX file, without the weights that lie outside it.

    Args:
        path: The file.
        shapes: Static shapes of inputs (and outputs) by name, for models that leave sizes open.

    Raises:
        ModelError: No such file, not an ONNX, truncated, without a graph; a shape for an unknown tensor or one that
            contradicts a size which the model fixes.
        MissingError: The onnx package is not installed.
    """
    try:
        import onnx  # optional: the node reads YAML
    except ImportError as error:
        raise MissingError(
            f"the Python package onnx, needed to read {path.name}", "run: pip install 'trt_perception[onnx]'"
        ) from error
    path = absolute(path)
    model = _parse(onnx, path)
    try:
        return _record(onnx, path, model, shapes or {})
    except (ValueError, TypeError) as error:  # names that are no UTF-8, types that do not exist
        raise ModelError(str(path), f"expected an ONNX file, got a damaged one ({error})", "copy it again") from error


def _record(onnx: Any, path: Path, model: Any, shapes: Mapping[str, tuple[int, ...]]) -> OnnxModel:
    _check_texts(model)
    weights = {tensor.name for tensor in model.graph.initializer}
    weights.update(tensor.values.name for tensor in model.graph.sparse_initializer)
    inputs = [value for value in model.graph.input if value.name not in weights]  # IR 3 lists weights as inputs
    symbols = _set_shapes(path, [*inputs, *model.graph.output], shapes, inputs=[value.name for value in inputs])
    _set_symbols([*inputs, *model.graph.output], symbols)
    inferred = _inferred_shapes(onnx, model)
    announced = [tuple(_tensor_info(onnx, value) for value in values) for values in (inputs, model.graph.output)]
    producer = f"{model.producer_name} {model.producer_version}".strip()
    return OnnxModel(
        path=path,
        producer=producer,
        ir_version=model.ir_version,
        opsets={item.domain or "ai.onnx": item.version for item in model.opset_import},
        metadata={item.key: item.value for item in model.metadata_props},
        inputs=announced[0],
        outputs=tuple(_completed(output, inferred.get(output.name)) for output in announced[1]),
        nodes=tuple(_node(node) for node in model.graph.node),
        value_shapes=inferred,
        **_weight_figures(onnx, model),
    )


def _parse(onnx: Any, path: Path) -> Any:
    """The file as onnx.ModelProto."""
    try:
        if path.suffix.lower() in (".yaml", ".yml"):
            raise ModelError(str(path), "expected an ONNX file, got a YAML", "give the ONNX that it names")
        with path.open("rb") as file:
            start = file.read(64)
        for offset, mark, what, remedy in _OTHER_FORMATS:
            if start[offset:].startswith(mark):
                raise ModelError(str(path), f"expected an ONNX file, got {what}", remedy)
        model = onnx.load(str(path), load_external_data=False)
    except FileNotFoundError:
        raise ModelError(str(path), "no such file", "check the path") from None
    except OSError as error:
        raise ModelError(str(path), f"cannot be read: {error.strerror or error}") from error
    except ModelError:
        raise
    except Exception as error:  # protobuf's DecodeError has changed its place between versions
        raise ModelError(
            str(path),
            f"expected an ONNX file, got one that does not parse ({error})",
            "it may be cut short: copy it again",
        ) from error
    if not model.graph.node or not model.graph.output:
        raise ModelError(str(path), "expected an ONNX file with a graph, got one without nodes or outputs")
    return model


def _check_texts(model: Any) -> None:
    """Raise ValueError for names that are no UTF-8: protobuf either raises on access or hands out bytes."""
    graph = model.graph
    texts = [model.producer_name, model.producer_version, graph.name]
    texts.extend(item.domain for item in model.opset_import)
    texts.extend(text for item in model.metadata_props for text in (item.key, item.value))
    texts.extend(text for node in graph.node for text in (node.op_type, *node.input, *node.output))
    texts.extend(tensor.name for tensor in graph.initializer)
    texts.extend(item.value for tensor in graph.initializer for item in tensor.external_data)
    for value in (*graph.input, *graph.output):
        texts.append(value.name)
        texts.extend(dim.dim_param for dim in value.type.tensor_type.shape.dim)
    wrong = next((text for text in texts if not isinstance(text, str)), None)
    if wrong is not None:
        raise ValueError(f"a name that is no UTF-8: {wrong!r}")


def _node(node: Any) -> OnnxNode:
    axis = next((attribute.i for attribute in node.attribute if attribute.name == "axis"), None)
    return OnnxNode(op_type=node.op_type, inputs=tuple(node.input), outputs=tuple(node.output), axis=axis)


def _set_shapes(
    path: Path, values: list[Any], shapes: Mapping[str, tuple[int, ...]], *, inputs: Iterable[str]
) -> dict[str, int]:
    """Write the wanted sizes into the announced inputs and outputs; returns what symbols of inputs are by that."""
    known = {value.name: value for value in values}
    symbols: dict[str, int] = {}
    for name, shape in shapes.items():
        if name not in known:
            raise ModelError(str(path), f"a shape was given for {name!r}; inputs and outputs are {', '.join(known)}")
        tensor = known[name].type.tensor_type
        announced = _shape_of(tensor)
        fits = announced is None or (
            len(announced) == len(shape)
            and all(isinstance(old, str) or old == new for old, new in zip(announced, shape, strict=True))
        )
        if not fits:
            raise ModelError(
                str(path), f"the shape {list(shape)} was given for {name!r}, the model has {list(announced or ())}"
            )
        if name in inputs:
            symbols |= {old: new for old, new in zip(announced or (), shape, strict=False) if isinstance(old, str)}
        del tensor.shape.dim[:]
        for size in shape:
            tensor.shape.dim.add().dim_value = size
    return symbols


def _set_symbols(values: Iterable[Any], symbols: Mapping[str, int]) -> None:
    """Write known sizes in place of their symbols: behind a plugin no shape inference does."""
    for value in values:
        for size in value.type.tensor_type.shape.dim:
            if size.dim_param and size.dim_param in symbols:
                size.dim_value = symbols[size.dim_param]


def _shape_of(tensor_type: Any) -> tuple[int | str, ...] | None:
    if not tensor_type.HasField("shape"):
        return None
    return tuple(
        dim.dim_value if dim.HasField("dim_value") and dim.dim_value > 0 else _symbol(dim.dim_param)
        for dim in tensor_type.shape.dim
    )


def _symbol(name: str) -> int | str:
    """A size without a value; YOLOv7's export.py --end2end writes the sizes of its outputs, which are known, so."""
    is_number = re.fullmatch("[1-9][0-9]{0,7}", name) is not None
    return int(name) if is_number else name or "?"


def _tensor_info(onnx: Any, value: Any) -> TensorInfo:
    kind = value.type.WhichOneof("value") or "unknown"
    if kind != "tensor_type":
        return TensorInfo(name=value.name, shape=None, dtype=kind.removesuffix("_type"))
    tensor = value.type.tensor_type
    return TensorInfo(name=value.name, shape=_shape_of(tensor), dtype=_dtype(onnx, tensor.elem_type))


def _dtype(onnx: Any, number: int) -> str:
    try:
        word = str(onnx.TensorProto.DataType.Name(number)).lower()
    except ValueError:
        return f"type_{number}"
    return {"float": "float32", "double": "float64"}.get(word, word)


def _completed(output: TensorInfo, inferred: tuple[int | str, ...] | None) -> TensorInfo:
    """The output with inferred sizes where the file announces none."""
    if inferred is None or output.sizes is not None:
        return output
    if output.shape is None or len(output.shape) != len(inferred):
        shape = inferred if output.shape is None else output.shape
    else:
        pairs = zip(output.shape, inferred, strict=True)  # a symbol that inference made up says less than the model's
        shape = tuple(new if isinstance(old, str) and isinstance(new, int) else old for old, new in pairs)
    return TensorInfo(name=output.name, shape=shape, dtype=output.dtype)


def _inferred_shapes(onnx: Any, model: Any) -> dict[str, tuple[int | str, ...]]:
    """Shapes of the tensors inside the graph. Large weights become inputs, since inference copies the whole model."""
    skeleton = onnx.ModelProto()
    skeleton.ir_version = max(model.ir_version, 4)
    skeleton.opset_import.extend(model.opset_import)
    skeleton.functions.extend(model.functions)
    skeleton.graph.name = model.graph.name
    skeleton.graph.node.extend(model.graph.node)
    skeleton.graph.value_info.extend(model.graph.value_info)
    for output in model.graph.output:
        skeleton.graph.output.add().CopyFrom(output)
        skeleton.graph.output[-1].type.tensor_type.ClearField("shape")
    small = {tensor.name for tensor in model.graph.initializer if _is_small(onnx, tensor)}
    listed = {tensor.name for tensor in model.graph.initializer}
    skeleton.graph.input.extend(value for value in model.graph.input if value.name not in listed)
    for tensor in model.graph.initializer:
        if tensor.name in small:
            skeleton.graph.initializer.append(tensor)
        else:
            skeleton.graph.input.append(
                onnx.helper.make_tensor_value_info(tensor.name, tensor.data_type, list(tensor.dims))
            )
    try:
        graph = onnx.shape_inference.infer_shapes(skeleton, data_prop=True).graph
    except Exception:  # an operator of unknown shape rules: what the file announces has to do
        return {}
    return {
        value.name: shape
        for value in (*graph.value_info, *graph.output)
        if value.type.WhichOneof("value") == "tensor_type" and (shape := _shape_of(value.type.tensor_type)) is not None
    }


def _is_small(onnx: Any, tensor: Any) -> bool:
    external = tensor.data_location == onnx.TensorProto.EXTERNAL
    return not external and _tensor_bytes(onnx, tensor) <= _LARGE_BYTES


def _tensor_bytes(onnx: Any, tensor: Any) -> int:
    if tensor.raw_data:
        return len(tensor.raw_data)
    try:
        item = onnx.helper.tensor_dtype_to_np_dtype(tensor.data_type).itemsize
    except (KeyError, TypeError, ValueError):
        item = 1
    return int(prod(tensor.dims) * item)


def _weight_figures(onnx: Any, model: Any) -> dict[str, Any]:
    weights: dict[str, int] = defaultdict(int)
    parameters = 0
    external: dict[str, None] = {}
    for tensor in _weight_tensors(model):
        weights[_dtype(onnx, tensor.data_type)] += _tensor_bytes(onnx, tensor)
        parameters += prod(tensor.dims)
        if tensor.data_location == onnx.TensorProto.EXTERNAL:
            external.update((item.value, None) for item in tensor.external_data if item.key == "location")
    return {"weights": dict(weights), "parameters": parameters, "external_files": tuple(external)}


def _weight_tensors(model: Any) -> Iterable[Any]:
    """Initialisers, and the Constant nodes that some exporters write in their place."""
    yield from model.graph.initializer
    for node in model.graph.node:
        if node.op_type == "Constant":
            yield from (attribute.t for attribute in node.attribute if attribute.name == "value")
