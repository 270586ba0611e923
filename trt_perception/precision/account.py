"""The account of one quantized graph: what every node computes in and why, and what was added where."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from trt_perception.options.json_schema import to_plain
from trt_perception.precision.precision_plan import Precision, PrecisionPlan, Region

SCHEMA = 1
"""Version of the account's JSON."""


@dataclass(frozen=True, kw_only=True)
class NodeAccount:
    """One node of the cleaned graph.

    Args:
        name: Its name.
        op_type: Operator.
        region: Where it belongs.
        region_reason: Why.
        precision: What it computes in; INT8 only where its inputs are quantized. What lies between in an INT8 region
            is FP16 to us; TensorRT may take it into INT8 where the quantizers around allow it.
        reason: Why this is not the precision of its region; empty where it is, or where INT8 does not concern it.
    """

    name: str
    op_type: str
    region: Region
    region_reason: str
    precision: Precision
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class QuantizerAccount:
    """One pair of QuantizeLinear and DequantizeLinear on an activation.

    Args:
        tensor: What is quantized.
        scale: Size of one step.
        readers: Nodes that read it so.
        shared_with: Other tensors of the same scale.
    """

    tensor: str
    scale: float
    readers: tuple[str, ...]
    shared_with: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class WeightAccount:
    """The quantized weights of one node.

    Args:
        node: Its name.
        tensor: The weights.
        axis: Axis of the output channels.
        channels: Number of scales.
        smallest_scale: Of all channels.
        largest_scale: Of all channels.
    """

    node: str
    tensor: str
    axis: int
    channels: int
    smallest_scale: float
    largest_scale: float


@dataclass(frozen=True, kw_only=True)
class CastAccount:
    """One Cast that was added.

    Args:
        tensor: What is converted.
        to: To which type.
        readers: Nodes that read the result; empty for an output of the model.
    """

    tensor: str
    to: Precision
    readers: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Account:
    """What `quantize` did.

    Args:
        model: Name of the source file.
        model_sha256: Digest of the source file.
        emitter: `strong`, `flags`, or `carried` where the model was quantized before and taken as it is.
        opset: Opset of the written graph.
        source_opset: Opset of the source.
        plan: The precision plan.
        calibration: Method, frames and digests of the ranges; empty where none were needed.
        nodes: Every node of the cleaned graph.
        activations: Quantized activations.
        weights: Quantized weights.
        casts: Added casts.
        left_out: Weighted layers and Adds of INT8 regions that stay floating, with the reason.
        folded: Nodes that became constants.
        removed: Nodes that no output depends on.
        tensor_types: Type of every floating or quantized tensor of the written graph.
        layer_precisions: For the flags emitter: layers that the builder is to pin, with OBEY_PRECISION_CONSTRAINTS.
        findings: What is wrong or unusual in a model that was quantized before.
    """

    model: str
    model_sha256: str
    emitter: str
    opset: int
    source_opset: int
    plan: PrecisionPlan
    calibration: Mapping[str, Any] = field(default_factory=dict)
    nodes: tuple[NodeAccount, ...]
    activations: tuple[QuantizerAccount, ...] = ()
    weights: tuple[WeightAccount, ...] = ()
    casts: tuple[CastAccount, ...] = ()
    left_out: Mapping[str, str] = field(default_factory=dict)
    folded: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    tensor_types: Mapping[str, Precision] = field(default_factory=dict)
    layer_precisions: Mapping[str, Precision] = field(default_factory=dict)
    findings: tuple[str, ...] = ()

    def to_plain(self) -> dict[str, Any]:
        """All of it as JSON knows it."""
        return {"schema": SCHEMA, **to_plain(self)}

    def counts(self) -> dict[tuple[Region, Precision], int]:
        """Nodes by region and precision."""
        return dict(Counter((node.region, node.precision) for node in self.nodes))
