"""Collects the account of a graph from what was decided and written."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from trt_perception.precision import carried_quantizers
from trt_perception.precision.account import (
    Account,
    CastAccount,
    NodeAccount,
    QuantizerAccount,
    WeightAccount,
)
from trt_perception.precision.calibration_table import CalibrationTable
from trt_perception.precision.graph_cleaning import Cleaning
from trt_perception.precision.graph_view import GraphView
from trt_perception.precision.graph_writer import WORDS, GraphWriter
from trt_perception.precision.node_precisions import NodePrecision
from trt_perception.precision.precision_plan import Precision, PrecisionPlan
from trt_perception.precision.qdq_placement import QdqPlacement
from trt_perception.precision.regions import NodeRegion


@dataclass(frozen=True, kw_only=True)
class QuantizationSource:
    """One cleaned model with its regions.

    Args:
        path: The file.
        cleaning: The cleaned graph.
        view: Looks at it.
        regions: Of every node, by name.
        plan: The precision plan.
    """

    path: Path
    cleaning: Cleaning
    view: GraphView
    regions: Mapping[str, NodeRegion]
    plan: PrecisionPlan

    @cached_property
    def sha256(self) -> str:
        """Digest of the file; external weights not included."""
        return hashlib.sha256(self.path.read_bytes()).hexdigest()

    def facts(self) -> dict[str, Any]:
        """The fields of an account that follow from the source."""
        return {
            "model": self.path.name,
            "model_sha256": self.sha256,
            "opset": self.cleaning.opset,
            "source_opset": self.cleaning.source_opset,
            "plan": self.plan,
            "folded": self.cleaning.folded,
            "removed": self.cleaning.removed,
        }


def emitted_account(
    source: QuantizationSource,
    *,
    emitter: str,
    table: CalibrationTable | None,
    precisions: Mapping[str, NodePrecision],
    placement: QdqPlacement,
    writer: GraphWriter,
    layer_precisions: Mapping[str, Precision],
) -> Account:
    """The account of a graph that an emitter has written.

    Args:
        source: The model.
        emitter: Name of the emitter.
        table: The ranges that were used; None where none were.
        precisions: What every node was meant to compute in.
        placement: The quantizers.
        writer: After it has written.
        layer_precisions: For the flags emitter.
    """
    return Account(
        **source.facts(),
        emitter=emitter,
        calibration={} if table is None else _calibration(table),
        nodes=_nodes(source, precisions, placement),
        activations=_activations(placement),
        weights=_weights(placement),
        casts=tuple(CastAccount(tensor=item.tensor, to=item.to, readers=item.readers) for item in writer.casts),
        left_out=placement.left_out,
        tensor_types={name: WORDS[kind] for name, kind in writer.tensor_types.items() if kind in WORDS},
        layer_precisions=layer_precisions,
    )


def carried_account(source: QuantizationSource) -> Account:
    """The account of a model that was quantized before."""
    view = source.view
    quantized = carried_quantizers.quantized_layers(view)
    types = {
        tensor: WORDS[kind]
        for node in view.nodes
        for tensor in node.output
        if (kind := view.element_type(tensor)) in WORDS
    }
    nodes = tuple(
        NodeAccount(
            name=node.name,
            op_type=node.op_type,
            region=source.regions[node.name].region,
            region_reason=source.regions[node.name].reason,
            precision=Precision.INT8 if node.name in quantized else types.get(node.output[0], Precision.FP32),
        )
        for node in view.nodes
    )
    return Account(
        **source.facts(),
        emitter="carried",
        nodes=nodes,
        activations=carried_quantizers.carried_activations(view),
        weights=carried_quantizers.carried_weights(view),
        left_out={
            node.name: "the model came without quantizers here"
            for node in nodes
            if node.op_type in ("Conv", "ConvTranspose", "Gemm")
            and node.name not in quantized
            and source.plan.precision(node.region) is Precision.INT8
        },
        tensor_types=types,
        findings=carried_quantizers.carried_findings(view),
    )


def _calibration(table: CalibrationTable) -> dict[str, Any]:
    return {
        "method": table.method,
        "frames": table.frames,
        "data_digest": table.data_digest,
        "preprocess_digest": table.preprocess_digest,
        "digest": table.digest,
    }


def _nodes(
    source: QuantizationSource, precisions: Mapping[str, NodePrecision], placement: QdqPlacement
) -> tuple[NodeAccount, ...]:
    quantized = {*placement.weights, *(name for item in placement.activations.values() for name, _ in item.readers)}

    def computes_in(name: str) -> Precision:
        planned = precisions[name].precision
        return Precision.FP16 if planned is Precision.INT8 and name not in quantized else planned

    return tuple(
        NodeAccount(
            name=node.name,
            op_type=node.op_type,
            region=source.regions[node.name].region,
            region_reason=source.regions[node.name].reason,
            precision=computes_in(node.name),
            reason=precisions[node.name].reason,
        )
        for node in source.view.nodes
    )


def _activations(placement: QdqPlacement) -> tuple[QuantizerAccount, ...]:
    return tuple(
        QuantizerAccount(
            tensor=item.tensor,
            scale=item.scale,
            readers=tuple(name for name, _ in (*item.readers, *item.float_readers)),
            shared_with=item.shared_with,
        )
        for item in placement.activations.values()
    )


def _weights(placement: QdqPlacement) -> tuple[WeightAccount, ...]:
    return tuple(
        WeightAccount(
            node=item.node,
            tensor=item.tensor,
            axis=item.axis,
            channels=len(item.scales),
            smallest_scale=float(item.scales.min()),
            largest_scale=float(item.scales.max()),
        )
        for item in placement.weights.values()
    )
