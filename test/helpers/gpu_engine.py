"""Small engines for tests on a GPU: built in this process, adopted, and described by a spec."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnx import TensorProto

from helpers.model_specs import head_spec
from helpers.onnx_graph import OnnxGraph
from trt_perception.engine.adopt_engine import adopt_engine
from trt_perception.engine.build_messages import BuildMessages, make_logger
from trt_perception.engine.build_plan import build_plan
from trt_perception.engine.engine_options import EngineOptions, ShapeProfile
from trt_perception.engine.features import features_of
from trt_perception.engine.gpu_identity import current_gpu
from trt_perception.engine.tensorrt_module import load_tensorrt
from trt_perception.model.model_spec import HeadKind, InputSpec, ModelSpec, OutputSpec, TensorType
from trt_perception.precision.named_plan import named_plan
from trt_perception.precision.quantize import Emitter, quantize

CLASSES = 4


def relu_network(path: Path, *, batch: int | str = 1, size: int = 64) -> Path:
    """Three convolutions with ReLU, which TensorRT builds in seconds: `images` to `logits`, a quarter of the size."""
    graph = OnnxGraph()
    source, channels = "images", 3
    for level in range(2):
        source = graph.add("Relu", graph.conv(source, channels, 16, stride=2, name=f"backbone.{level}"))
        channels = 16
    graph.conv(source, channels, CLASSES, kernel=1, name="logits")
    return graph.save(
        path,
        inputs={"images": (batch, 3, size, size)},
        outputs={"logits": (batch, CLASSES, size // 4, size // 4)},
    )


def relu_spec(model: Path, *, batch: int = 1, size: int = 64) -> ModelSpec:
    """The spec of `relu_network`."""
    return one_tensor_spec(model, (batch, 3, size, size), (batch, CLASSES, size // 4, size // 4), output="logits")


def one_tensor_spec(
    model: Path,
    shape: tuple[int, ...],
    output_shape: tuple[int, ...],
    *,
    dtype: TensorType = TensorType.FLOAT32,
    output_dtype: TensorType = TensorType.FLOAT32,
    output: str = "output",
) -> ModelSpec:
    """One input `images`, one output."""
    return ModelSpec(
        name=model.stem,
        model=str(model),
        inputs=(InputSpec(name="images", shape=shape, dtype=dtype),),
        outputs=(OutputSpec(name=output, shape=output_shape, dtype=output_dtype),),
        heads=(head_spec(HeadKind.SEMANTIC_LOGITS, CLASSES, output=output),),
    )


def build_engine(model: Path, spec: ModelSpec, *, engine: Path | None = None, largest_batch: int = 0) -> Path:
    """Build in FP32, fast rather than well, and adopt.

    Args:
        largest_batch: Of a model that leaves the batch open.
    """
    trt = load_tensorrt()
    engine = engine or model.with_suffix(".engine")
    shape = spec.inputs[0].shape[1:]
    profiles = (
        (ShapeProfile(input="images", min=(1, *shape), opt=(largest_batch, *shape), max=(largest_batch, *shape)),)
        if largest_batch
        else ()
    )
    graph = engine.with_suffix(".graph.onnx")
    emitter = Emitter(features_of(trt).emitter)
    account = quantize(model, named_plan("fp32"), None, emitter=emitter, out=graph)
    options = EngineOptions(optimization_level=1, profiles=profiles)
    return adopt_plan(engine, build_plan(trt, graph, account, options).plan, spec)


def build_typed(model: Path, spec: ModelSpec, *flags: str) -> Path:
    """Build a network with the types that its ONNX has, which no precision plan describes, and adopt."""
    trt = load_tensorrt()
    logger = make_logger(trt, BuildMessages())
    builder = trt.Builder(logger)
    explicit = getattr(trt.NetworkDefinitionCreationFlag, "EXPLICIT_BATCH", None)
    network = builder.create_network(0 if explicit is None else 1 << int(explicit))
    parser = trt.OnnxParser(network, logger)
    assert parser.parse(model.read_bytes()), [str(parser.get_error(index)) for index in range(parser.num_errors)]
    config = builder.create_builder_config()
    config.builder_optimization_level = 1
    sources = [trt.TacticSource.EDGE_MASK_CONVOLUTIONS, trt.TacticSource.JIT_CONVOLUTIONS]
    config.set_tactic_sources(sum(1 << int(source) for source in sources))
    config.clear_flag(trt.BuilderFlag.TF32)
    for flag in flags:
        config.set_flag(getattr(trt.BuilderFlag, flag))
    plan = builder.build_serialized_network(network, config)
    assert plan is not None
    return adopt_plan(model.with_suffix(".engine"), bytes(plan), spec)


def adopt_plan(engine: Path, plan: bytes, spec: ModelSpec) -> Path:
    """Write a plan and the manifest that belongs to it."""
    engine.write_bytes(plan)
    adopt_engine(engine, spec, trt=load_tensorrt(), gpu=current_gpu())
    return engine


def run_onnxruntime(model: Path, images: NDArray[Any]) -> NDArray[Any]:
    """The first output, by ONNX Runtime on the CPU."""
    session = onnxruntime.InferenceSession(str(model), providers=["CPUExecutionProvider"])
    return session.run(None, {"images": images})[0]  # type: ignore[no-any-return]


def typed_network(path: Path, kind: str) -> Path:
    """A small network whose input, output or both are not FP32.

    Args:
        kind: `float16`, `int32`, `int8`, `uint8` (input only), `uint8_output` or `int64_output`.
    """
    graph = OnnxGraph()
    inputs, outputs, shape = TensorProto.FLOAT, TensorProto.FLOAT, (1, 3, 8, 8)
    if kind == "float16":
        inputs = outputs = TensorProto.FLOAT16
        graph.add("Mul", "images", graph.constant(np.float16(1.5)), name="output")
    elif kind == "int32":
        inputs = outputs = TensorProto.INT32
        graph.add("Mul", "images", graph.constant(np.int32(3).reshape(1, 1, 1, 1)), name="output")
    elif kind == "int8":
        inputs = outputs = TensorProto.INT8
        scale, zero = graph.constant(np.float32(0.5)), graph.constant(np.int8(0))
        floats = graph.add("DequantizeLinear", "images", scale, zero)
        half = graph.add("Relu", floats)
        graph.add("QuantizeLinear", half, graph.constant(np.float32(1.0)), zero, name="output")
    elif kind == "uint8":
        inputs = TensorProto.UINT8
        floats = graph.add("Cast", "images", to=TensorProto.FLOAT)
        graph.add("Mul", floats, graph.constant(np.float32(0.5)), name="output")
    elif kind == "uint8_output":
        outputs = TensorProto.UINT8
        graph.add("Cast", graph.add("Relu", "images"), to=TensorProto.UINT8, name="output")
    elif kind == "int64_output":
        outputs, shape = TensorProto.INT64, (1, 1, 8, 8)
        graph.add("ArgMax", "images", axis=1, keepdims=1, name="output")
    else:
        raise ValueError(kind)
    return graph.save(
        path,
        inputs={"images": (1, 3, 8, 8)},
        outputs={"output": shape},
        input_types={"images": inputs},
        output_types={"output": outputs},
        opset=13,
    )
