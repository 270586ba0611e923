"""From a model, a precision plan and calibrated ranges to the graph that an engine is built from, with its account."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from trt_perception.errors import InputError, ModelError
from trt_perception.options.write_atomically import write_atomically
from trt_perception.precision import carried_quantizers, flags_emitter, strong_emitter
from trt_perception.precision.account import (
    Account,
    CastAccount,
    NodeAccount,
    QuantizerAccount,
    WeightAccount,
)
from trt_perception.precision.calibration_table import CalibrationTable
from trt_perception.precision.graph_cleaning import Cleaning, clean_graph
from trt_perception.precision.graph_view import GraphView
from trt_perception.precision.graph_writer import WORDS, GraphWriter
from trt_perception.precision.node_precisions import NodePrecision, node_precisions
from trt_perception.precision.precision_plan import Precision, PrecisionPlan
from trt_perception.precision.qdq_placement import QdqPlacement, calibrated_tensors, place_quantizers
from trt_perception.precision.regions import NodeRegion, assign_regions
from trt_perception.precision.render_account import render_account


class Emitter(str, Enum):
    """For which kind of TensorRT a graph is written."""

    STRONG = "strong"
    """Strongly typed networks: TensorRT 10.x, 11, TensorRT-RTX."""
    FLAGS = "flags"
    """Builders with precision flags: TensorRT 8.6."""


@dataclass(frozen=True, kw_only=True)
class _Source:
    """One cleaned model with its regions and precisions."""

    path: Path
    cleaning: Cleaning
    view: GraphView
    regions: dict[str, NodeRegion]
    plan: PrecisionPlan


def tensors_to_calibrate(model: Path, plan: PrecisionPlan) -> tuple[str, ...]:
    """The tensors of `model` that `quantize` needs ranges of, in graph order; empty where nothing becomes INT8.

    Raises:
        ModelError: The model cannot be read or fits the plan's patterns in part only.
        MissingError: The onnx package is not installed.
    """
    source = _source(Path(model), plan, None)
    if carried_quantizers.carries_quantizers(source.view):
        return ()
    return calibrated_tensors(source.view, node_precisions(source.view, source.regions, plan))


def quantize(
    model: Path, plan: PrecisionPlan, table: CalibrationTable | None, *, emitter: Emitter, out: Path
) -> Account:
    """Write the mixed-precision graph to `out`, and beside it its account as `.json` and `.md`.

    A model that carries quantizers already is written as it is, checked and reported.

    Args:
        model: The ONNX, in FP32.
        plan: Precisions of the regions.
        table: Calibrated ranges of this very file; may be None where nothing becomes INT8.
        emitter: For which TensorRT.
        out: The new ONNX.

    Raises:
        ModelError: The model cannot be read, cleaned or brought to the emitter's opset, is not FP32, or lacks ranges.
        InputError: The table belongs to another file, or `out` is the model itself or cannot be written.
        MissingError: The onnx package is not installed.
    """
    emitter = Emitter(emitter)
    if out.resolve() == Path(model).resolve():
        raise InputError(f"{out}: expected another file than the model itself; give another --out")
    source = _source(Path(model), plan, emitter)
    if carried_quantizers.carries_quantizers(source.view):
        written, account = source.cleaning.model, _carried_account(source)
    else:
        _check_floats(source)
        written, account = _emit(source, table, emitter)
    _write(written, account, out)
    return account


def account_paths(out: Path) -> tuple[Path, Path]:
    """Where the account of a graph lies: JSON and Markdown, beside it."""
    return out.with_suffix(".account.json"), out.with_suffix(".account.md")


def _source(model: Path, plan: PrecisionPlan, emitter: Emitter | None) -> _Source:
    """The model as an emitter wants it; None: in its own opset."""
    if emitter is None:
        cleaning = clean_graph(model)
    elif emitter is Emitter.STRONG:
        cleaning = clean_graph(model, lowest_opset=strong_emitter.LOWEST_OPSET)
    else:
        cleaning = clean_graph(
            model, lowest_opset=flags_emitter.LOWEST_OPSET, highest_opset=flags_emitter.HIGHEST_OPSET
        )
    view = GraphView(cleaning.model)
    regions = assign_regions(view, plan, model=model.name)
    return _Source(path=model, cleaning=cleaning, view=view, regions=regions, plan=plan)


def _check_floats(source: _Source) -> None:
    from onnx import TensorProto

    view = source.view
    for tensor in (*view.inputs, *view.initializers):
        if view.element_type(tensor) in (TensorProto.FLOAT16, TensorProto.BFLOAT16):
            raise ModelError(
                source.path.name, f"expected an FP32 model, got 16-bit floats in {tensor}", "export it in FP32"
            )
    for node in view.nodes:
        if any(item.HasField("g") or item.graphs for item in node.attribute):
            raise ModelError(
                source.path.name,
                f"{node.name} ({node.op_type}) holds a graph of its own, whose types cannot be planned",
                "export the model without control flow",
            )


def _emit(source: _Source, table: CalibrationTable | None, emitter: Emitter) -> tuple[Any, Account]:
    view, plan = source.view, source.plan
    ranges = {} if table is None else table.ranges
    dead = () if table is None else table.dead
    digest = _digest(source.path)
    precisions = node_precisions(view, source.regions, plan, ranges=ranges, dead=dead)
    if table is not None and calibrated_tensors(view, precisions) and table.model_sha256 != digest:
        raise InputError(
            f"calibration table: expected ranges of {source.path.name} (sha256 {digest[:12]}), "
            f"got those of another file ({table.model_sha256[:12]}); calibrate this file"
        )
    strong = emitter is Emitter.STRONG
    placement = place_quantizers(view, precisions, ranges, fp16_scales=strong, model=source.path.name)
    if strong:
        writer = strong_emitter.strong_writer(view, precisions, placement)
        layers: dict[str, Precision] = {}
    else:
        writer = flags_emitter.flags_writer(view, placement)
        layers = flags_emitter.layer_precisions(view, precisions)
    model = writer.write()
    return model, _account(source, digest, table, emitter, precisions, placement, writer, layers)


def _account(
    source: _Source,
    digest: str,
    table: CalibrationTable | None,
    emitter: Emitter,
    precisions: dict[str, NodePrecision],
    placement: QdqPlacement,
    writer: GraphWriter,
    layers: dict[str, Precision],
) -> Account:
    quantized = {*placement.weights, *(name for item in placement.activations.values() for name, _ in item.readers)}
    floating = Precision.FP16
    return Account(
        model=source.path.name,
        model_sha256=digest,
        emitter=emitter.value,
        opset=source.cleaning.opset,
        source_opset=source.cleaning.source_opset,
        plan=source.plan,
        calibration={} if table is None or not placement.activations else _calibration(table),
        nodes=tuple(
            NodeAccount(
                name=node.name,
                op_type=node.op_type,
                region=source.regions[node.name].region,
                region_reason=source.regions[node.name].reason,
                precision=(
                    floating
                    if precisions[node.name].precision is Precision.INT8 and node.name not in quantized
                    else precisions[node.name].precision
                ),
                reason=precisions[node.name].reason,
            )
            for node in source.view.nodes
        ),
        activations=tuple(
            QuantizerAccount(
                tensor=item.tensor,
                scale=item.scale,
                readers=tuple(name for name, _ in item.readers),
                shared_with=item.shared_with,
            )
            for item in placement.activations.values()
        ),
        weights=tuple(
            WeightAccount(
                node=item.node,
                tensor=item.tensor,
                axis=item.axis,
                channels=len(item.scales),
                smallest_scale=float(item.scales.min()),
                largest_scale=float(item.scales.max()),
            )
            for item in placement.weights.values()
        ),
        casts=tuple(CastAccount(tensor=item.tensor, to=item.to, readers=item.readers) for item in writer.casts),
        left_out=placement.left_out,
        folded=source.cleaning.folded,
        removed=source.cleaning.removed,
        tensor_types={name: WORDS[kind] for name, kind in writer.tensor_types.items() if kind in WORDS},
        layer_precisions=layers,
    )


def _calibration(table: CalibrationTable) -> dict[str, Any]:
    return {
        "method": table.method,
        "frames": table.frames,
        "data_digest": table.data_digest,
        "preprocess_digest": table.preprocess_digest,
        "digest": table.digest,
    }


def _carried_account(source: _Source) -> Account:
    view = source.view
    quantized = carried_quantizers.quantized_layers(view)
    nodes = tuple(
        NodeAccount(
            name=node.name,
            op_type=node.op_type,
            region=source.regions[node.name].region,
            region_reason=source.regions[node.name].reason,
            precision=Precision.INT8 if node.name in quantized else Precision.FP32,
        )
        for node in view.nodes
    )
    return Account(
        model=source.path.name,
        model_sha256=_digest(source.path),
        emitter="carried",
        opset=source.cleaning.opset,
        source_opset=source.cleaning.source_opset,
        plan=source.plan,
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
        folded=source.cleaning.folded,
        removed=source.cleaning.removed,
        findings=carried_quantizers.carried_findings(view),
    )


def _write(model: Any, account: Account, out: Path) -> None:
    import onnx

    onnx.checker.check_model(model, full_check=True)
    as_json, as_text = account_paths(out)
    try:
        write_atomically(out, model.SerializeToString())
        write_atomically(as_json, (json.dumps(account.to_plain(), indent=2) + "\n").encode())
        write_atomically(as_text, render_account(account).encode())
    except OSError as error:
        raise InputError(f"{out}: cannot be written: {error.strerror or error}; check folder and free space") from error


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
