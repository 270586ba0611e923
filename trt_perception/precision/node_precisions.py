"""What every node computes in: its region's precision, less what is kept out, each with the reason."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np

from trt_perception.precision.graph_view import GraphView
from trt_perception.precision.precision_plan import Precision, PrecisionPlan, first_match
from trt_perception.precision.regions import NodeRegion
from trt_perception.precision.scales import FP16_MAX

FP32_ONLY = frozenset(
    {"Cast", "ConstantOfShape", "If", "Loop", "Multinomial", "NonMaxSuppression", "OneHot", "RandomNormal"}
    | {"RandomNormalLike", "RandomUniform", "RandomUniformLike", "Range", "RoiAlign", "Scan", "EyeLike"}
)
"""Operators that exist only in FP32, name their own type, or hold graphs that would have to be rewritten too."""


@dataclass(frozen=True, kw_only=True)
class NodePrecision:
    """What one node computes in.

    Args:
        precision: INT8 says that the node may be quantized; whether it is, the placement decides.
        reason: Why it differs from its region's precision; empty where it does not.
    """

    precision: Precision
    reason: str = ""


def node_precisions(
    view: GraphView,
    regions: Mapping[str, NodeRegion],
    plan: PrecisionPlan,
    *,
    ranges: Mapping[str, float] | None = None,
    dead: Collection[str] = (),
) -> dict[str, NodePrecision]:
    """The precision of every node, by name.

    Args:
        view: The cleaned graph.
        regions: The region of every node.
        plan: Precisions of the regions, and what is kept out.
        ranges: Largest absolute value of the calibrated tensors; one beyond FP16 keeps its node in FP32. None: no
            tensor is known.
        dead: Tensors that were zero in every frame: they have no scale, so their readers stay out of INT8.
    """
    result = {}
    for index, node in enumerate(view.nodes):
        planned = plan.precision(regions[node.name].region)
        result[node.name] = _kept(view, index, planned, plan, ranges or {}, dead) or NodePrecision(precision=planned)
    return result


def _kept(
    view: GraphView,
    index: int,
    planned: Precision,
    plan: PrecisionPlan,
    ranges: Mapping[str, float],
    dead: Collection[str],
) -> NodePrecision | None:
    node = view.nodes[index]
    pattern = first_match(node.name, plan.keep_fp32)
    if pattern is not None:
        return NodePrecision(precision=Precision.FP32, reason=f"keep_fp32 has {pattern!r}")
    if planned is Precision.FP32:
        return None
    reason = "the operator computes in FP32" if node.op_type in FP32_ONLY else _beyond_fp16(view, index, ranges)
    if reason:
        return NodePrecision(precision=Precision.FP32, reason=reason)
    if planned is Precision.INT8:
        reason = _out_of_int8(view, index, plan, dead)
        if reason:
            return NodePrecision(precision=Precision.FP16, reason=reason)
    return None


def _beyond_fp16(view: GraphView, index: int, ranges: Mapping[str, float]) -> str:
    node = view.nodes[index]
    for tensor in (*node.input, *node.output):
        if ranges.get(tensor, 0.0) > FP16_MAX:
            return f"{tensor} reaches {ranges[tensor]:.3g}, beyond FP16"
    for tensor in node.input:
        value = view.constant(tensor)
        if value is not None and value.dtype == np.float32 and value.size and float(np.abs(value).max()) > FP16_MAX:
            return f"the constant {tensor} holds {float(np.abs(value).max()):.3g}, beyond FP16"
    return ""


def _out_of_int8(view: GraphView, index: int, plan: PrecisionPlan, dead: Collection[str]) -> str:
    node = view.nodes[index]
    pattern = first_match(node.name, plan.keep_fp16)
    if pattern is not None:
        return f"keep_fp16 has {pattern!r}"
    zero = next((tensor for tensor in node.input if tensor in dead), None)
    if zero is not None and node.op_type in ("Conv", "ConvTranspose", "Gemm", "Add"):
        return f"{zero} was zero in every calibration frame"
    if node.op_type != "Conv":
        return ""
    if plan.keep_first_conv and is_first_conv(view, index):
        return "keep_first_conv: it reads an input of the model"
    if plan.keep_depthwise and is_depthwise(view, index):
        return "keep_depthwise: one filter a channel"
    return ""


def is_depthwise(view: GraphView, index: int) -> bool:
    """Whether a Conv has one filter for each of several input channels."""
    node = view.nodes[index]
    groups = next((item.i for item in node.attribute if item.name == "group"), 1)
    shape = view.shape(node.input[1])
    return groups > 1 and shape is not None and shape[1] == 1


def is_first_conv(view: GraphView, index: int) -> bool:
    """Whether no other weighted layer lies between an input of the model and this one."""
    seen: set[int] = set()
    waiting = view.before(index)
    while waiting:
        maker = waiting.pop()
        if view.nodes[maker].op_type in ("Conv", "ConvTranspose", "Gemm", "MatMul"):
            return False
        if maker not in seen:
            seen.add(maker)
            waiting.extend(view.before(maker))
    return True
