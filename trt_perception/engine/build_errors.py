"""Why TensorRT builds no plan, out of its messages."""

from __future__ import annotations

import re

from trt_perception.engine.build_messages import BuildMessages
from trt_perception.engine.engine_options import EngineOptions
from trt_perception.errors import DeviceError, ModelError, PerceptionError
from trt_perception.precision.account import Account
from trt_perception.precision.precision_plan import Precision

_NO_KERNEL = re.compile(r"Could not find any implementation for node (.+)$")
_AFTER_NAME = re.compile(r"\.\)?$|\.? due to |\. In ")
_OUT_OF_MEMORY = re.compile(r"out of memory|OutOfMemory|cudaError 2\b", re.IGNORECASE)
_NO_DEVICE = re.compile(r"driver version is insufficient|no CUDA-capable device|CUDA initialization failure")


def build_error(messages: BuildMessages, account: Account, options: EngineOptions) -> PerceptionError:
    """The error to raise after `build_serialized_network` gave nothing.

    Args:
        messages: Of the build.
        account: Of the graph.
        options: What was asked for.
    """
    errors = messages.errors()
    layer = failed_layer(errors)
    if layer:
        return _no_kernel(layer, account, options)
    said = "; ".join(errors[-3:]) or "it does not say why"
    if any(_OUT_OF_MEMORY.search(text) for text in errors):
        return DeviceError(
            f"{account.model}: the GPU's memory does not suffice to build: {said}; end what else uses the GPU, "
            f"or lower the engine option workspace_mib, now {options.workspace_mib}"
        )
    if any(_NO_DEVICE.search(text) for text in errors):
        return DeviceError(f"{account.model}: no GPU to build on: {said}; see `trt-perception doctor`")
    return ModelError(account.model, f"TensorRT builds no plan of it: {said}", "see its messages for the layer")


def failed_layer(errors: tuple[str, ...]) -> str:
    """TensorRT's name of the layer that it has no kernel for; empty where that is not what went wrong."""
    for text in errors:
        found = _NO_KERNEL.search(text)
        if found:
            return _AFTER_NAME.split(found[1])[0]
    return ""


def _no_kernel(layer: str, account: Account, options: EngineOptions) -> ModelError:
    nodes = [node for node in account.nodes if _names(layer, node.name)]
    shown = ", ".join(f"{node.name} ({node.op_type}, {node.precision.value})" for node in nodes)
    quantized = [node.name for node in nodes if node.precision is Precision.INT8]
    halves = [node.name for node in nodes if node.precision is Precision.FP16]
    if quantized or halves:
        key, kept = ("keep_fp16", quantized) if quantized else ("keep_fp32", halves)
        advice = f"keep it out with {key}: [{', '.join(kept)}] in the precision plan"
    else:
        advice = "take out what the precision plan keeps around it"
    return ModelError(
        account.model,
        f"TensorRT has no kernel for the layer {layer!r}: {shown or 'no node of the graph'}",
        f"raise the engine option workspace_mib, now {options.workspace_mib}, or {advice}",
    )


def _names(layer: str, node: str) -> bool:
    """Whether a fused layer's name contains a node's name, as a whole."""
    return re.search(rf"(?<![\w./]){re.escape(node)}(?![\w/]|\.\w)", layer) is not None
